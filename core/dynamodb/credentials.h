// Credentials: what requests to AWS are signed with, from the variables of the environment or from a file as AWS's own
// tools have it. No I/O.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace swage::dynamodb {

struct Credentials {
  std::string key_id{}, secret{};
  std::string token{};  // of temporary ones
};

// The variables' names.
inline constexpr const char* kKeyId = "AWS_ACCESS_KEY_ID";
inline constexpr const char* kSecret = "AWS_SECRET_ACCESS_KEY";
inline constexpr const char* kToken = "AWS_SESSION_TOKEN";
inline constexpr const char* kRegion = "AWS_REGION";
inline constexpr const char* kUsualRegion = "AWS_DEFAULT_REGION";  // where kRegion is not set
inline constexpr const char* kEndpoint = "AWS_ENDPOINT_URL_DYNAMODB";
inline constexpr const char* kUsualEndpoint = "AWS_ENDPOINT_URL";  // where kEndpoint is not set

// A variable's value; empty where it is not set.
using Environment = std::function<std::string(const char* name)>;

// An Error names the variable that is not set.
[[nodiscard]] Result<Credentials> credentials_in(const Environment& environment);

// Of a file: "aws_access_key_id = …", "aws_secret_access_key = …" and "aws_session_token = …", a line each, in the
// section [default], or before any section. Other sections and keys are not looked at. No secret is in an Error.
[[nodiscard]] Result<Credentials> parse_credentials(std::string_view text);

}  // namespace swage::dynamodb
