mod confirm;
mod hostile;
mod setup;
mod status;
mod watch;
