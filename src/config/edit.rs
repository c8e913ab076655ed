//! Changes to the text of a file that keep its comments and its order.
