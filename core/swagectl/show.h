// What swagectl prints of an answer, for people. No I/O.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace swage::ctl {

using Json = nlohmann::json;

// `command`: as Options::command. `lines`: of the answer, without the last. `now`: seconds since 1970. What is missing
// in them, or is of another type, is shown as "-".
[[nodiscard]] std::string show(std::string_view command, const std::vector<Json>& lines, std::int64_t now);

// Whether a status tells of something wrong.
[[nodiscard]] bool is_wrong(const std::vector<Json>& lines);

// "12 s", "5 min", "3 h", "2 days".
[[nodiscard]] std::string span_of(std::int64_t seconds);

}  // namespace swage::ctl
