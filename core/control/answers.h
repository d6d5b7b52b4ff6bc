// What the control socket answers to a request: lines of JSON, the last of which says whether it was done. Internal to
// core/control.
#pragma once

#include <string>
#include <vector>

#include "core/async/task.h"
#include "core/control/server.h"

namespace swage::control {

inline constexpr int kVersion = 1;  // of the protocol

// Never fails: what is wrong with the request is in the last line. REQUIRES: `backend` outlives the task.
[[nodiscard]] async::Task<std::vector<std::string>> answer(Backend& backend, std::string request);

// The last line of an answer that is an error.
[[nodiscard]] std::string error_line(const Error& error);

}  // namespace swage::control
