// A Report as JSON: one form, which swagectl's protocol (docs/swagectl.md) and the page of *status* share. Times are
// seconds since 1970; what is not known is left out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/plugin/report.h"

namespace swage::control {

using Json = nlohmann::json;

[[nodiscard]] Json to_json(const Report::Server& server);
[[nodiscard]] Json to_json(const Report::Process& process);
[[nodiscard]] Json to_json(const Report::Zone& zone);
[[nodiscard]] Json to_json(const Report::Registration& registration);
[[nodiscard]] Json to_json(const Report::Challenges& challenges);
[[nodiscard]] Json to_json(const Report::Certificate& certificate);
[[nodiscard]] Json to_json(const Report::Key& key);
[[nodiscard]] Json to_json(const Report::Member& member);
[[nodiscard]] Json to_json(const Report::Traffic& traffic);

// What is not as it should be, a sentence each: what `swagectl status` and the page begin with.
[[nodiscard]] std::vector<std::string> problems(const Report& report, Report::Time now);

// On one line; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string text_of(const Json& json);

}  // namespace swage::control
