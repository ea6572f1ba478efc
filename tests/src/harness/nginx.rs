//! The real nginx, with a configuration as a page shows it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command};

use super::process::Killer;
use super::wait;

/// nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        Killer::of(&self.child).terminate();
        let _ = self.child.wait();
    }
}

impl Nginx {
    /// Starts it in `folder`, which is made, with `servers` in its block `http`; one of them listens at `address`.
    #[must_use]
    pub fn start(folder: &Path, address: SocketAddr, servers: &str) -> Self {
        fs::create_dir_all(folder).expect("a folder can be made");
        // Its workers are another user.
        for path in [folder.parent().expect("it is in a folder"), folder] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        let at = |name: &str| folder.join(name).display().to_string();
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", at(kind)));
        let whole = format!(
            "daemon off;\npid {};\nerror_log {} error;\nevents {{}}\nhttp {{\naccess_log off;\n{}{servers}}}\n",
            at("pid"),
            at("error.log"),
            places.concat(),
        );
        fs::write(folder.join("nginx.conf"), whole).expect("a file can be written");
        let child =
            Command::new("nginx").args(["-p", &at(""), "-c", &at("nginx.conf"), "-e", &at("error.log")]).spawn();
        let mut nginx = Self { child: child.expect("this test needs nginx: install it"), address };
        wait::until("nginx listens", || {
            let ended = nginx.child.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none(),
                "nginx ended: {}",
                fs::read_to_string(folder.join("error.log")).unwrap_or_default()
            );
            std::net::TcpStream::connect(address).ok()
        });
        nginx
    }
}
