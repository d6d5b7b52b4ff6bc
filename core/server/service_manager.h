// Tells the service manager that started the server what it does, by the protocol of sd_notify(3): for units with
// Type=notify, in which systemd takes the server for started when it answers queries. In the supervisor.
#pragma once

#include <string_view>

namespace swage::server {

// Sends `state`, lines of NAME=VALUE, to $NOTIFY_SOCKET; does nothing where there is none. Never waits.
void notify_service_manager(std::string_view state);

// True where it wants to hear WATCHDOG=1 from this process from time to time (sd_watchdog_enabled(3)).
[[nodiscard]] bool wants_watchdog();

}  // namespace swage::server
