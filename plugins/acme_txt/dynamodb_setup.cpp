// Reads `store dynamodb`.
#include <algorithm>

#include "core/text.h"
#include "plugins/acme_txt/dynamodb_store.h"

namespace swage::plugins::acme_txt {
namespace {

constexpr std::chrono::milliseconds kAnswerWithin{1000};

// As AWS has them: 3 to 255 of these.
bool is_table(std::string_view text) {
  return text.size() >= 3 && text.size() <= 255 &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

// It is part of the endpoint's name.
bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 50 &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

Result<std::string> expect_region(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a region, as eu-central-1"));
  if (!is_region(text)) return controller.fail("'{}' is not a valid region; expected one as eu-central-1", text);
  return std::string(text);
}

Result<std::string> expect_endpoint(Controller& controller) {
  TRY(const std::string_view text, controller.expect_arg("a URL"));
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const std::string_view rest = text.substr(scheme);
  const bool is_host = !rest.empty() && rest.find_first_of("@?# ") == std::string_view::npos &&
                       rest.find('/') >= rest.size() - 1;  // at its end alone
  if (scheme == 0 || !is_host) {
    return controller.fail("'{}' is not a valid endpoint; expected https://HOST[:PORT] or http://HOST[:PORT]", text);
  }
  return std::string(text);
}

}  // namespace

Result<DynamoDbSettings> read_dynamodb(Controller& controller) {
  DynamoDbSettings settings;
  TRY(const std::string_view table, controller.expect_arg("a table"));
  if (!is_table(table)) return controller.fail("'{}' is not a valid name of a DynamoDB table", table);
  settings.table.table = table;
  settings.table.get_time = kAnswerWithin;
  TRY(controller.read_block({
      {"region", [&] { return assign(settings.table.region, expect_region(controller)); }},
      {"endpoint", [&] { return assign(settings.table.endpoint, expect_endpoint(controller)); }},
      {"credentials", [&] { return assign(settings.credentials, controller.expect_path("a file of credentials")); }},
  }));
  return settings;
}

Fetch& dynamodb_fetch(Controller& controller) {
  Fetch& fetch = controller.fetch("acme-txt " + controller.zones().front().to_string());
  fetch.wait_at_most(kAnswerWithin);
  return fetch;
}

}  // namespace swage::plugins::acme_txt
