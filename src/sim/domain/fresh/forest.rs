//! The configuration of the forest: sites and servers, partitions, optional features, and what
//! Exchange leaves there (MS-ADTS 6.1.1.2).
//!
//! Input: the options of the domain. Output: the objects that a client reads to learn which domain
//! controllers and domains there are, how old the forest is and what was turned on.

use uuid::Uuid;

use super::super::DomainOptions;
use super::super::dn::Dn;
use super::super::tree::Tree;
use super::{Builder, controller, critical};

/// objectVersion of CN=Microsoft Exchange System Objects and of the organization, Exchange 2019
/// CU13 (microsoft/CSS-Exchange).
pub(super) const EXCHANGE_DOMAIN: &str = "13243";
const EXCHANGE_ORGANIZATION: &str = "16761";

/// The Recycle Bin optional feature (MS-ADTS 3.1.1.9.1).
const RECYCLE_BIN: Uuid = Uuid::from_u128(0x766d_dcd8_acd0_445e_f3b9_a7f9_b674_4f2a);

/// systemFlags of a crossRef: in this forest, and a domain of it (MS-ADTS 2.2.10).
const CONTEXT_OF_FOREST: &str = "1";
const DOMAIN_OF_FOREST: &str = "3";

/// Tombstones live so many days in a forest made on Windows Server 2003 SP1 or later
/// (learn.microsoft.com/previous-versions dd392260).
const TOMBSTONE_LIFETIME_DAYS: &str = "180";

impl Builder {
    /// A chain of objects, each below the one before; the last one is given back.
    fn chain(&mut self, top: Uuid, links: &[(&str, &str)]) -> Uuid {
        links
            .iter()
            .fold(top, |parent, (name, class)| self.put(Some(parent), name, class, None, &[]))
    }

    /// Fills the configuration naming context.
    pub(super) fn configuration(
        &mut self,
        options: &DomainOptions,
        configuration: Uuid,
        domain: Uuid,
    ) {
        let level = if options.external_id { "7" } else { "6" };
        let servers = self.chain(
            configuration,
            &[
                ("Sites", "sitesContainer"),
                ("Default-First-Site-Name", "site"),
                ("Servers", "serversContainer"),
            ],
        );
        let others = options.other_controllers.iter().map(String::as_str);
        for name in ["DC1"].into_iter().chain(others) {
            self.server(servers, name, level);
        }
        self.partitions(options, configuration, level);
        let services = self.chain(configuration, &[("Services", "container")]);
        let settings = self
            .chain(services, &[("Windows NT", "container"), ("Directory Service", "nTDSService")]);
        self.write(settings, "tombstoneLifetime", TOMBSTONE_LIFETIME_DAYS);
        let features = self.chain(settings, &[("Optional Features", "container")]);
        // FOREST_OPTIONAL_FEATURE (MS-ADTS 2.2.17).
        let values = [("msDS-OptionalFeatureFlags", "1".to_owned())];
        let feature =
            self.put(Some(features), "Recycle Bin Feature", "msDS-OptionalFeature", None, &values);
        self.tree.rewrite(feature, |object| {
            let octets = vec![RECYCLE_BIN.to_bytes_le().to_vec()];
            object.attributes.insert("msDS-OptionalFeatureGUID", octets);
        });
        self.write(domain, "msDS-Behavior-Version", level);
        if options.exchange {
            let exchange = ("Microsoft Exchange", "msExchConfigurationContainer");
            let organization = ("First Organization", "msExchOrganizationContainer");
            let organization = self.chain(services, &[exchange, organization]);
            self.write(organization, "objectVersion", EXCHANGE_ORGANIZATION);
        }
    }

    fn write(&mut self, guid: Uuid, name: &'static str, value: &str) {
        self.tree.rewrite(guid, |object| {
            object.attributes.insert(name, vec![value.as_bytes().to_vec()]);
        });
    }

    /// A server object and its settings, whose invocationId names the database.
    fn server(&mut self, servers: Uuid, name: &str, level: &str) {
        let base = self.tree.base.text();
        let host = format!("{}.{}", name.to_lowercase(), self.tree.base.domain_name());
        let account = format!("CN={name},OU=Domain Controllers,{base}");
        let values = [("dNSHostName", host), ("serverReference", account)];
        let server = self.put(Some(servers), name, "server", None, &values);
        // NTDSDSA_OPT_IS_GC (MS-ADTS 6.1.1.2.2.1.2.1.1).
        let values = [
            ("options", "1".to_owned()),
            ("msDS-Behavior-Version", level.to_owned()),
            ("hasMasterNCs", base),
        ];
        let settings = self.put(Some(server), "NTDS Settings", "nTDSDSA", None, &values);
        let invocation = self.tree.next_guid().to_bytes_le().to_vec();
        self.tree.rewrite(settings, |object| {
            object.attributes.insert("invocationId", vec![invocation]);
        });
    }

    /// CN=Partitions with one crossRef for each naming context (MS-ADTS 6.1.1.2.1.1).
    fn partitions(&mut self, options: &DomainOptions, configuration: Uuid, level: &str) {
        let container = self.chain(configuration, &[("Partitions", "crossRefContainer")]);
        self.write(container, "msDS-Behavior-Version", level);
        let base = self.tree.base.clone();
        let netbios = self.tree.netbios.clone();
        let configuration = format!("CN=Configuration,{}", base.text());
        let schema = format!("CN=Schema,{configuration}");
        let host = base.domain_name();
        for (name, context) in
            [("Enterprise Configuration", configuration), ("Enterprise Schema", schema)]
        {
            let values = [
                ("nCName", context),
                ("dnsRoot", host.clone()),
                ("systemFlags", CONTEXT_OF_FOREST.to_owned()),
            ];
            self.put(Some(container), name, "crossRef", None, &values);
        }
        let others = options.other_domains.iter().filter_map(|name| Dn::parse(name).ok());
        let others = others.map(|dn| {
            let label = dn.0.first().map(|rdn| rdn.value.to_uppercase());
            (label.unwrap_or_default(), dn)
        });
        for (netbios, dn) in [(netbios, base)].into_iter().chain(others) {
            let values = [
                ("nCName", dn.text()),
                ("dnsRoot", dn.domain_name()),
                ("nETBIOSName", netbios.clone()),
                ("systemFlags", DOMAIN_OF_FOREST.to_owned()),
                ("msDS-Behavior-Version", level.to_owned()),
            ];
            self.put(Some(container), &netbios, "crossRef", None, &values);
        }
    }

    /// Accounts of further domain controllers: SERVER_TRUST_ACCOUNT, TRUSTED_FOR_DELEGATION.
    pub(super) fn other_controllers(&mut self, names: &[String], controllers: Uuid) {
        for (name, rid) in names.iter().zip(1001..) {
            let mut values = vec![
                ("userAccountControl", 0x82000.to_string()),
                ("primaryGroupID", "516".to_owned()),
                critical(),
            ];
            values.extend(controller(name, &self.tree.base.domain_name()));
            self.principal(controllers, name, "computer", rid, &values);
        }
    }
}

impl Tree {
    /// Turns the Recycle Bin on: its feature object is entered where enabled features are
    /// (MS-ADTS 3.1.1.9.1.2).
    pub(in super::super) fn enable_recycle_bin(&mut self) {
        self.recycle_bin = true;
        let configuration = format!("CN=Configuration,{}", self.base.text());
        let feature = format!(
            "CN=Recycle Bin Feature,CN=Optional Features,CN=Directory Service,CN=Windows NT,\
             CN=Services,{configuration}"
        );
        let partitions = format!("CN=Partitions,{configuration}");
        if let Ok(guid) = self.resolve(&partitions) {
            self.rewrite(guid, |object| {
                let names = vec![feature.into_bytes()];
                object.attributes.insert("msDS-EnabledFeature", names);
            });
        }
    }
}
