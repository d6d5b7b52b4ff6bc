#include "plugins/broker/registration_body.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <catch2/catch.hpp>

using swage::plugins::broker::parse_registration_body;

namespace {

const std::string kValue = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

// "VALUE: ADDRESS ADDRESS", or the error.
std::string parsed(std::string_view text) {
  const auto body = parse_registration_body(text);
  if (!body) return std::string(body.error());
  return fmt::format("{}: {}", body->value, fmt::join(body->addresses, " "));
}

std::string with_value(std::string_view json) { return fmt::format(R"({{"value":{},"addresses":[]}})", json); }

}  // namespace

TEST_CASE("broker: bodies that are accepted") {
  const std::pair<std::string, std::string_view> cases[] = {
      {R"({"value":"V","addresses":["/ip4/192.0.2.1/tcp/1"]})", "/ip4/192.0.2.1/tcp/1"},
      {R"({"Value":"V","Addresses":["a","b"]})", "a b"},
      {" \r\n\t{ \"ADDRESSES\" : [ \"a\" , \"\" ] ,\n\"vAlUe\" : \"V\" }\n", "a "},
      {R"({"value":"V"})", ""},
      {R"({"value":"V","addresses":null})", ""},
      {R"({"value":"V","addresses":[]} and more)", ""},
      {R"({"value":"V","addresses":[]}{"value":1})", ""},
      {"{\"value\":\"V\"}\xFF\n}", ""},
      {std::string("{\"value\":\"V\"}\0", 14), ""},
      {R"({"value":"V","addresses":["\ud83d\ude00","\u0000"]})", std::string_view("\xF0\x9F\x98\x80 \0", 6)},
      {R"({"v\u0061lue":"V","addresses":["\u002fip4", "ü"]})", "/ip4 ü"},
      {"\xEF\xBB\xBF{\"value\":\"V\"}", ""},
  };
  for (auto [text, addresses] : cases) {
    CAPTURE(text);
    text.replace(text.find("\"V\""), 3, '"' + kValue + '"');
    CHECK(parsed(text) == kValue + ": " + std::string(addresses));
  }
}

TEST_CASE("broker: bodies that are refused, and what the client is told") {
  constexpr std::string_view kNotJson = "the body is not JSON", kNotObject = "the body is not a JSON object",
                             kUnknown = "the body has an unknown field", kTwice = "a field of the body comes twice",
                             kNotString = "value is not a string", kNotList = "addresses is not a list of strings",
                             kNotBase64 = "value is not unpadded base64url", kNot32 = "value is not 32 bytes";
  const std::pair<std::string, std::string_view> cases[] = {
      {"", kNotJson},
      {" ", kNotJson},
      {"value=x", kNotJson},
      {"{", kNotJson},
      {R"({"value":"})", kNotJson},
      {R"({"value":"x",})", kNotJson},
      {R"({"value" "x"})", kNotJson},
      {"{\"value\":\"\xFF\"}", kNotJson},
      {"{\"value\":\"\n\"}", kNotJson},
      {R"({"addresses":["\ud83d"]})", kNotJson},
      {"{\"addresses\":[\"\xC3\x28\"]}", kNotJson},
      {"{\"addresses\":[\"x\",]}", kNotJson},
      {"{\"addresses\":[\"x\"}", kNotJson},
      {"\xFF{}", kNotJson},
      {R"({'value':"x"})", kNotJson},
      {R"({"value":"x"/**/})", kNotJson},
      {R"({"value":01})", kNotString},
      {R"({"value":NaN})", kNotJson},
      {R"({"value":1e999})", kNotJson},
      {"null", kNotObject},
      {"[]", kNotObject},
      {"\"x\"", kNotObject},
      {"1", kNotObject},
      {R"([{"value":"x"}])", kNotObject},
      {R"({"value":"x","":""})", kUnknown},
      {R"({"valu":"x"})", kUnknown},
      {R"({"values":{}})", kUnknown},
      {"{\"address\xC3\xA9s\":[]}", kUnknown},
      {R"({"value":"x","Value":"y"})", kTwice},
      {R"({"value":null,"value":"y"})", kTwice},
      {R"({"addresses":[],"ADDRESSES":[]})", kTwice},
      {R"({"value":1})", kNotString},
      {R"({"value":-1})", kNotString},
      {R"({"value":1.5})", kNotString},
      {R"({"value":true})", kNotString},
      {R"({"value":["x"]})", kNotString},
      {R"({"value":{"x":1}})", kNotString},
      {R"({"addresses":"x"})", kNotList},
      {R"({"addresses":{}})", kNotList},
      {R"({"addresses":[1]})", kNotList},
      {R"({"addresses":[null]})", kNotList},
      {R"({"addresses":[["x"]]})", kNotList},
      {R"({"addresses":["x",{}]})", kNotList},
      {"{\"addresses\":" + std::string(16'000, '['), kNotList},
      {"{}", kNot32},
      {with_value("null"), kNot32},
      {with_value("\"\""), kNot32},
      {with_value('"' + kValue.substr(2) + '"'), kNotBase64},
      {with_value('"' + kValue.substr(1) + '"'), kNotBase64},  // bits left over
      {with_value('"' + kValue.substr(4) + '"'), kNot32},
      {with_value('"' + kValue + kValue.substr(0, 1) + '"'), kNot32},
      {with_value('"' + kValue + "A\""), kNot32},
      {with_value('"' + kValue + "=\""), kNotBase64},
      {with_value('"' + kValue.substr(0, 42) + "1\""), kNotBase64},  // bits left over
      {with_value('"' + kValue.substr(0, 42) + "+\""), kNotBase64},
      {with_value('"' + kValue.substr(0, 42) + "/\""), kNotBase64},
      {with_value('"' + kValue.substr(0, 42) + " \""), kNotBase64},
      {with_value('"' + kValue + "\\n\""), kNotBase64},
      {with_value('"' + kValue + "\\u0000\""), kNotBase64},
      {with_value("\"====\""), kNotBase64},
  };
  for (const auto& [text, error] : cases) {
    CAPTURE(text);
    CHECK(parsed(text) == error);
  }
}

TEST_CASE("broker: a body cut at every length") {
  const std::string whole = fmt::format(R"({{"value":"{}","addresses":["/ip4/192.0.2.1/tcp/1"]}})", kValue);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(parsed(whole.substr(0, size)) == "the body is not JSON");
}
