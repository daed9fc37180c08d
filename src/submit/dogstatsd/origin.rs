//! The fields by which an Agent finds the container that a line comes from, and the tags that clients put on everything.
//!
//! The container's id stands in the names of its control groups or of its mounts; where it cannot be seen, the inode of
//! its control group tells it.

use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::DogstatsdIdentity;

/// The inode of the control group namespace of the host itself: there the Agent sees the same as this process.
const HOST_NAMESPACE: u64 = 0xEFFF_FFFB;
/// The controller of version 1 whose group is asked for.
const BASE_CONTROLLER: &str = "memory";

/// Where the kernel tells of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel<'a> {
    /// `/proc/self`
    pub(super) process: &'a Path,
    /// `/sys/fs/cgroup`
    pub(super) groups: &'a Path,
}

impl Kernel<'_> {
    /// The places of every Linux.
    pub(super) fn usual() -> Kernel<'static> {
        Kernel { process: Path::new("/proc/self"), groups: Path::new("/sys/fs/cgroup") }
    }

    /// What to send as the container: `ci-` and its id, or `in-` and the inode of its control group. None outside of
    /// containers, and where there is no such kernel.
    fn container(&self) -> Option<String> {
        let groups = std::fs::read_to_string(self.process.join("cgroup")).unwrap_or_default();
        if let Some(id) = container_of_groups(&groups) {
            return Some(format!("ci-{id}"));
        }
        let mounts = std::fs::read_to_string(self.process.join("mountinfo")).unwrap_or_default();
        if let Some(id) = container_of_mounts(&mounts) {
            return Some(format!("ci-{id}"));
        }
        self.group_inode(&groups).map(|inode| format!("in-{inode}"))
    }

    fn group_inode(&self, groups: &str) -> Option<u64> {
        let namespace = std::fs::metadata(self.process.join("ns/cgroup"));
        if namespace.is_ok_and(|namespace| namespace.ino() == HOST_NAMESPACE) {
            return None;
        }
        let group = |controller: &str| {
            let mut lines = groups.lines().filter_map(group_of_line);
            let path = lines.find(|(controllers, _)| *controllers == controller)?.1;
            let folder = self.groups.join(controller).join(path.trim_start_matches('/'));
            // 0 is no inode, 1 stands for bad blocks, and 2 is the root of a file system.
            std::fs::metadata(folder).ok().map(|metadata| metadata.ino()).filter(|inode| *inode > 2)
        };
        group(BASE_CONTROLLER).or_else(|| group(""))
    }
}

/// Controllers and path of a line of `/proc/self/cgroup`: `NUMBER:CONTROLLERS:PATH`.
fn group_of_line(line: &str) -> Option<(&str, &str)> {
    line.split_once(':')?.1.split_once(':')
}

/// The id at the end of the first path that ends in one.
fn container_of_groups(groups: &str) -> Option<&str> {
    groups.lines().filter_map(group_of_line).find_map(|(_, path)| {
        let name = path.rsplit('/').next()?;
        id_at_end(name.strip_suffix(".scope").unwrap_or(name))
    })
}

/// The id in the path of a file that each container has a mount of.
fn container_of_mounts(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        // Number, parent, device, root, mount point: the root is where the file lies on the host.
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        if !matches!(point, "/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf") {
            return None;
        }
        let parts: Vec<&str> = root.split('/').collect();
        // Of a pod there is a sandbox too, which is not the container.
        let is_sandbox = |index: usize| index > 0 && parts[index - 1].contains("sandboxes");
        (0..parts.len()).rev().find(|index| is_id(parts[*index]) && !is_sandbox(*index)).map(|index| parts[index])
    })
}

/// The longest end of a name that is an id of a container: of Docker and its like, of a task of ECS, of Garden.
fn id_at_end(name: &str) -> Option<&str> {
    let starts = name.char_indices().map(|(start, _)| start);
    starts.map(|start| &name[start..]).find(|end| is_id(end))
}

fn is_id(text: &str) -> bool {
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_task = || {
        text.split_once('-').is_some_and(|(task, number)| {
            is_hex(task, 32) && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let is_uuid = || {
        let groups: Vec<&str> = text.split(['-', '_']).collect();
        groups.len() == 5 && groups.iter().zip([8, 4, 4, 4, 12]).all(|(group, length)| is_hex(group, length))
    };
    is_hex(text, 64) || is_task() || is_uuid()
}

/// What is the same on every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// A tag that everything has.
    pub(super) entity: Option<String>,
    /// Tags for what has no tag of the same name: the name with its colon, and the whole tag.
    pub(super) defaults: Vec<(&'static str, String)>,
    /// Fields behind the tags, each with the bar before it.
    pub(super) fields: String,
}

impl Origin {
    /// Looks once at where this process runs; a container does not change under it.
    pub(super) fn of(identity: &DogstatsdIdentity, kernel: Kernel<'_>) -> Self {
        let mut fields = String::new();
        let mut field = |name: &str, value: &str| {
            let clean = value.chars().filter(|c| !c.is_control() && *c != '|').collect::<String>();
            if !clean.is_empty() {
                write!(fields, "|{name}:{clean}").expect("text is written to memory without errors");
            }
        };
        if identity.detects_origin
            && let Some(container) = kernel.container()
        {
            field("c", &container);
        }
        if let Some(external) = &identity.external_data {
            field("e", external);
        }
        if let Some(cardinality) = identity.cardinality {
            field("card", cardinality.as_str());
        }
        let default =
            |name: &'static str, value: &Option<String>| value.as_ref().map(|value| (name, format!("{name}{value}")));
        let defaults = [default("service:", &identity.service), default("version:", &identity.version)];
        let entity = identity.entity_id.as_ref().map(|id| format!("dd.internal.entity_id:{id}"));
        Self { entity, defaults: defaults.into_iter().flatten().collect(), fields }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cardinality;

    const ID: &str = "8c046cb0b72cd4c99f51b5591cd5b095967f58ee003710a45280c28ee1a9c7fa";

    #[test]
    fn ids_are_found_in_the_names_of_control_groups() {
        let uuid = "6f265890-5165-7fab-6b52-18d1da94ef3f";
        let task = "38fac3e99302b3622be089dd41e7ccf38aff368a86cc339972075136ee2710ce";
        let fargate = "34dc0b5e626f2c5c4c5170e34b10e765-1234567890";
        for (groups, id) in [
            (format!("12:memory:/docker/{ID}\n"), Some(ID)),
            (format!("1:name=systemd:/kubepods.slice/docker-{ID}.scope\n"), Some(ID)),
            (format!("0::/system.slice/cri-containerd:{ID}\n"), Some(ID)),
            (format!("2:cpu:/\n1:cpuset:/ecs/x/{task}\n"), Some(task)),
            (format!("1:name=systemd:/ecs/{fargate}/{fargate}\n"), Some(fargate)),
            (format!("1:name=systemd:/system.slice/garden.service/{uuid}\n"), Some(uuid)),
            ("0::/\n".to_owned(), None),
            ("0::/user.slice/session-3.scope\nnothing\n::\n".to_owned(), None),
            (format!("0::/docker/{ID}/inner\n"), None),
        ] {
            assert_eq!(container_of_groups(&groups), id, "{groups}");
        }
    }

    #[test]
    fn ids_are_found_in_mounts() {
        let line = |root: &str, point: &str| format!("608 554 254:1 {root} {point} rw,relatime - ext4 /dev/vda1 rw\n");
        let docker = line(&format!("/var/lib/docker/containers/{ID}/hostname"), "/etc/hostname");
        assert_eq!(container_of_mounts(&docker), Some(ID));
        let sandbox = line(&format!("/run/sandboxes/{ID}/hostname"), "/etc/hostname");
        assert_eq!(container_of_mounts(&sandbox), None);
        let elsewhere = line(&format!("/var/lib/{ID}/x"), "/data");
        assert_eq!(container_of_mounts(&elsewhere), None);
        assert_eq!(container_of_mounts("short line\n\n"), None);
    }

    #[test]
    fn without_an_id_the_inode_of_the_control_group_tells_it() {
        let root = tempfile::tempdir().unwrap();
        let (process, groups) = (root.path().join("proc"), root.path().join("groups"));
        let kernel = Kernel { process: &process, groups: &groups };
        assert_eq!(kernel.container(), None);
        std::fs::create_dir_all(process.join("ns")).unwrap();
        std::fs::create_dir_all(groups.join("memory/inner")).unwrap();
        let inode = |folder: &str| std::fs::metadata(groups.join(folder)).unwrap().ino();
        for (text, folder) in [("0::/\n", ""), ("4:memory:/inner\n0::/\n", "memory/inner"), ("0::/memory\n", "memory")]
        {
            std::fs::write(process.join("cgroup"), text).unwrap();
            assert_eq!(kernel.container(), Some(format!("in-{}", inode(folder))), "{text}");
        }
        std::fs::write(process.join("cgroup"), format!("4:memory:/docker/{ID}\n")).unwrap();
        assert_eq!(kernel.container(), Some(format!("ci-{ID}")));
    }

    #[test]
    fn fields_say_only_what_is_known() {
        let nowhere = Kernel { process: Path::new("/nowhere"), groups: Path::new("/nowhere") };
        let silent = DogstatsdIdentity { detects_origin: true, ..DogstatsdIdentity::default() };
        assert_eq!(Origin::of(&silent, nowhere), Origin::default());
        let identity = DogstatsdIdentity {
            entity_id: Some("uid".into()),
            service: Some("shop".into()),
            version: None,
            detects_origin: false,
            external_data: Some("it-false,cn-a|b\n".into()),
            cardinality: Some(Cardinality::Low),
        };
        let origin = Origin::of(&identity, nowhere);
        assert_eq!(origin.fields, "|e:it-false,cn-ab|card:low");
        assert_eq!(origin.entity.as_deref(), Some("dd.internal.entity_id:uid"));
        assert_eq!(origin.defaults, [("service:", "service:shop".to_owned())]);
    }
}
