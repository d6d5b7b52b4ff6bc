#include "core/dynamodb/values.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/async/event.h"
#include "core/dynamodb/items.h"

namespace swage::dynamodb {
namespace {

using async::Task;
using Time = std::chrono::milliseconds;

constexpr unsigned kConnections = 64;
constexpr std::size_t kMostReply = 512 << 10;  // bytes: an item has 400 KB at most
constexpr Time kShortest{50};                  // what is worth another try

http::Fetcher::Settings fetching() {
  return {.most = kMostReply, .redirects = 0, .reuse = true, .connections = kConnections};
}

std::string endpoint_of(const std::string& region) {
  return fmt::format("https://dynamodb.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

// What may be otherwise a moment later: DynamoDB says 400 for too many requests, too.
bool is_passing(unsigned status, std::string_view problem) {
  return status >= 500 || problem.contains("Throttling") || problem.contains("ThroughputExceeded") ||
         problem.contains("RequestLimitExceeded");
}

}  // namespace

Values::Values(async::Loop& loop, Settings settings, Credentials credentials)
    : loop_(loop), settings_(std::move(settings)), credentials_(std::move(credentials)), fetcher_(loop, fetching()) {
  if (settings_.endpoint.empty()) settings_.endpoint = endpoint_of(settings_.region);
  while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
}

Task<Result<std::optional<Item>>> Values::get(std::string peer) {
  ++counts_.gets;
  Result<std::optional<Item>> item;
  const auto reply = co_await ask("GetItem", get_text(settings_.table, peer), settings_.get_time);
  item = reply ? item_in(*reply) : std::unexpected(reply.error());
  if (item) co_return item;
  ++counts_.failures;
  co_return fail("{}: {}", settings_.endpoint, item.error().text());
}

Task<Result<>> Values::put(std::string peer, Item item) {
  ++counts_.puts;
  const auto reply = co_await ask("PutItem", put_text(settings_.table, peer, item), settings_.put_time);
  if (reply) co_return Result<>();
  ++counts_.failures;
  co_return fail("{}: {}", settings_.endpoint, reply.error().text());
}

http::Fetcher::Request Values::request(std::string_view operation, const std::string& body) const {
  http::Fetcher::Request request;
  request.url = settings_.endpoint + "/";
  request.fields = {"Content-Type: application/x-amz-json-1.0",
                    fmt::format("X-Amz-Target: DynamoDB_20120810.{}", operation)};
  request.body = body;
  request.signature = {.region = settings_.region,
                       .service = "dynamodb",
                       .key_id = credentials_.key_id,
                       .secret = credentials_.secret,
                       .token = credentials_.token};
  return request;
}

// The reply with the status 200: once more where the first try fails soon, and a second one may not.
Task<Result<std::string>> Values::ask(std::string_view operation, std::string body, Time time) {
  const std::int64_t until = loop_.now() + std::chrono::nanoseconds(time).count();
  for (bool again = false;; again = true) {
    http::Fetcher::Request asked = request(operation, body);
    asked.timeout = std::max(Time((until - loop_.now()) / 1'000'000), Time(1));
    Result<http::Fetcher::Fetched> reply = co_await fetcher_.send(std::move(asked));
    if (reply && reply->status == 200) co_return std::move(reply->body);
    const std::string problem = reply ? problem_in(reply->status, reply->body) : reply.error().text();
    const bool passes = !reply || is_passing(reply->status, problem);
    if (again || !passes || loop_.now() + std::chrono::nanoseconds(2 * kShortest).count() > until) {
      co_return fail("{}", problem);
    }
    co_await async::sleep(loop_, kShortest);
  }
}

}  // namespace swage::dynamodb
