//! [`Clients`]: the SDK's clients of one account and region. A new service takes a line in
//! [`clients!`] and a setting for its endpoint.

use std::sync::OnceLock;

use aws_config::SdkConfig;

use super::{client::Aws, settings::Endpoints};

/// One line a service: its name as AWS writes it in `services` of a profile, and the crate of its client.
macro_rules! clients {
    ($($service:ident: $sdk:ident,)*) => {
        /// The services that have a client.
        pub(crate) const SERVICES: [&str; [$(stringify!($service)),*].len()] = [$(stringify!($service)),*];

        /// The SDK's clients. Each is made when it is first needed: most commands need one or two of them.
        pub(super) struct Clients {
            sdk: SdkConfig,
            endpoints: Endpoints,
            $($service: OnceLock<$sdk::Client>,)*
        }

        impl Clients {
            pub(super) fn new(sdk: SdkConfig, endpoints: Endpoints) -> Self {
                Self { sdk, endpoints, $($service: OnceLock::new(),)* }
            }
        }

        impl Aws {
            $(pub(crate) fn $service(&self) -> &$sdk::Client {
                let Clients { sdk, endpoints, $service, .. } = self.clients();
                $service.get_or_init(|| {
                    let mut config = $sdk::config::Builder::from(sdk);
                    if let Some(url) = endpoints.of(stringify!($service)) {
                        config = config.endpoint_url(url);
                    }
                    $sdk::Client::from_conf(config.build())
                })
            })*
        }
    };
}

clients! {
    ssm: aws_sdk_ssm,
    ec2: aws_sdk_ec2,
    ec2_instance_connect: aws_sdk_ec2instanceconnect,
    kms: aws_sdk_kms,
    sts: aws_sdk_sts,
}

impl Clients {
    pub(super) fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }

    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }
}
