#include "core/upstream/nameserver.h"

#include <algorithm>
#include <optional>

#include "core/async/tasks.h"

namespace swage::upstream {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstDatagram = 700ms;  // then it may have been lost, and is sent once more
constexpr int kMostTries = 5;           // lost, truncated, without EDNS

}  // namespace

Nameserver::Nameserver(async::Loop& loop, Way way, crypto::Random& random)
    : loop_(loop), way_(std::move(way)), random_(random), connections_(loop, way_), cookie_(kOurCookie) {
  random_.fill(cookie_);
  if (!way_.https) return;
  const Https::Server server{.to = way_.to,
                             .name = way_.server_name,
                             .from = way_.from ? way_.from->to_string() : "",
                             .expire = way_.expire,
                             .max_age = way_.max_age};
  https_.emplace(loop, server, *way_.https);
}

// Over HTTPS the id is 0, so that caches of HTTP find what they have (RFC 8484 section 4.1); nobody can forge there.
Asked::Form Nameserver::form() const {
  Asked::Form form{.random_id = !https_};
  if (!https_) form.cookie = cookie_;
  return form;
}

async::Task<Result<std::vector<std::uint8_t>>> Nameserver::ask(Question question, std::chrono::milliseconds time,
                                                               Bytes options) {
  const std::int64_t end = loop_.now() + std::chrono::nanoseconds(time).count();
  bool connected = way_.tcp || way_.tls || https_, edns = true, lost = false, told_cookie = false;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(end - loop_.now()));
    if (left <= 0ms) break;
    Asked::Form form = this->form();
    form.edns = edns;
    form.random_spelling = !connected;
    form.options = options;
    const Asked asked(question, form, random_);
    Result<Reply> reply = Reply();
    if (connected) {
      reply = co_await ask_connected(asked, left);
    } else {
      const auto time_of_datagram = lost ? left : std::min<std::chrono::milliseconds>(left, kFirstDatagram);
      reply = co_await ask_udp(loop_, way_.to, way_.from, asked, time_of_datagram);
    }
    if (!reply && (connected || lost)) co_return std::unexpected(std::move(reply).error());
    const bool knows_cookie = reply && (reply->verdict == Verdict::answer || reply->verdict == Verdict::bad_cookie);
    if (knows_cookie || (reply && connected)) learn_cookie(reply->message);
    if (!reply) {
      lost = true;
    } else if (reply->verdict == Verdict::no_edns) {
      edns = false;
    } else if (reply->verdict == Verdict::bad_cookie && !connected && !told_cookie) {
      told_cookie = true;  // and is asked with it
    } else if (reply->verdict == Verdict::answer || connected) {
      co_return std::move(reply->message);
    } else {
      connected = true;
    }
  }
  co_return fail("{}: no answer", way_.to.to_string());
}

void Nameserver::learn_cookie(Bytes message) {
  const Bytes said = Asked::cookie_of(message);
  cookie_.resize(kOurCookie);
  if (!said.empty()) cookie_.insert(cookie_.end(), said.begin() + kOurCookie, said.end());
}

async::Task<Result<Reply>> Nameserver::ask_connected(const Asked& asked, std::chrono::milliseconds time) {
  using Message = Result<std::vector<std::uint8_t>>;
  if (https_) {
    Message answer = co_await https_->ask(asked, time);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    Reply reply;
    reply.verdict = asked.judge(*answer);
    reply.message = *std::move(answer);
    co_return reply;
  }
  std::optional<Message> message = co_await async::within(loop_, time, connections_.ask(asked));
  if (!message) co_return fail("{}: no answer over {}", way_.to.to_string(), way_.tls ? "TLS" : "TCP");
  if (!*message) co_return std::unexpected(std::move(*message).error());
  Reply reply;
  reply.verdict = asked.judge(**message);
  reply.message = std::move(**message);
  co_return reply;
}

}  // namespace swage::upstream
