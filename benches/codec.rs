//! The binary message: encoding and parsing, beside the digest that every message needs anyway.

use std::hint::black_box;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ssmx::protocol::{Header, Message, MessageType, PayloadType};
use uuid::Uuid;

const ACKNOWLEDGEMENT: &[u8] = br#"{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"7c8f4a52-1d60-4b0e-9a37-5b8f6f0f7b11","AcknowledgedMessageSequenceNumber":123456,"IsSequentialMessage":true}"#;

fn codec(criterion: &mut Criterion) {
    let contents = [
        ("acknowledgement", MessageType::Acknowledge, ACKNOWLEDGEMENT.to_vec()),
        ("1 KiB", MessageType::OutputStreamData, vec![b'x'; 1024]),
        ("32 KiB", MessageType::OutputStreamData, vec![b'x'; 32 * 1024]),
    ];
    for (name, message_type, payload) in contents {
        let header = Header {
            message_type,
            schema_version: 1,
            created: 1_700_000_000_000,
            sequence: 123_456,
            flags: 0,
            id: Uuid::from_u128(0x7c8f_4a52_1d60_4b0e_9a37_5b8f_6f0f_7b11),
            payload_type: PayloadType::Output,
        };
        let mut group = criterion.benchmark_group(format!("codec/{name}"));
        group.throughput(Throughput::Bytes(payload.len() as u64));
        group.bench_function("digest alone", |bencher| bencher.iter(|| digest(&SHA256, black_box(&payload))));
        let mut buffer = BytesMut::new();
        group.bench_function("encode", |bencher| {
            bencher.iter(|| {
                buffer.clear();
                header.encode(black_box(&payload), &mut buffer);
            });
        });
        let frame = Bytes::copy_from_slice(&buffer);
        group.bench_function("parse", |bencher| bencher.iter(|| Message::parse(black_box(frame.clone()))));
        group.bench_function("parse and check", |bencher| {
            bencher.iter(|| Message::parse(black_box(frame.clone())).is_ok_and(|message| message.is_intact()));
        });
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
