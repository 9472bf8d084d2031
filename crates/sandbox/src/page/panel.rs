//! The panel, the simulator's own page, on which people watch and change a simulator: fixed files,
//! whose script uses the admin interface.

/// The path of the page.
pub(crate) const PATH: &str = "/";

/// A file of the page.
pub(crate) struct File {
    path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

const FILES: [File; 4] = [
    File {
        path: PATH,
        content_type: "text/html; charset=utf-8",
        text: include_str!("panel/index.html"),
    },
    File {
        path: "/__sandbox/panel.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("panel/panel.css"),
    },
    File {
        path: "/__sandbox/panel.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("panel/panel.js"),
    },
    File {
        path: "/__sandbox/panel.svg",
        content_type: "image/svg+xml",
        text: include_str!("panel/panel.svg"),
    },
];

/// The file at a path.
pub(crate) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}
