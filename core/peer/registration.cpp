#include "core/peer/registration.h"

#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/async/resolver.h"
#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "core/http/client.h"
#include "core/libp2p/multiaddr.h"
#include "core/peer/handshake.h"

namespace swage::peer {
namespace {

using async::Task;
using Outcome = std::expected<void, RegistrationError>;

// A connection to the broker, made anew when needed.
class Link {
 public:
  Link(async::Loop& loop, const Registration& registration)
      : loop_(loop), registration_(registration), resolver_(loop) {}

  [[nodiscard]] Task<Result<>> connect() {
    const std::string host = registration_.broker.host;
    if (const auto address = IpAddress::parse(host)) co_return co_await connect_to(*address);
    CO_TRY(const auto resolved, co_await resolver_.resolve(host, async::Resolver::Family::any));
    const std::vector<IpAddress> addresses = preferred(resolved, registration_.submission.addresses);
    Result<> connected = fail("{}: no address", host);
    for (const IpAddress& address : addresses) {
      connected = co_await connect_to(address);
      if (connected) break;
    }
    co_return connected;
  }

  [[nodiscard]] Task<Result<http::Received>> exchange(std::string request) {
    auto received = co_await http::exchange(*stream_, std::move(request));
    if (!received) co_return fail("{}: {}", registration_.broker.authority(), received.error().text());
    co_return received;
  }

  // This side's, of the last connection.
  [[nodiscard]] const IpAddress& mine() const { return mine_; }

 private:
  Task<Result<>> connect_to(IpAddress address) {
    const Endpoint endpoint(address, registration_.broker.port);
    auto tcp = std::make_unique<async::TcpStream>(loop_);
    const auto connected = co_await tcp->connect(endpoint);
    if (!connected) co_return fail("{}: {}", endpoint.to_string(), connected.error().text());
    mine_ = tcp->local().address;
    stream_ = std::move(tcp);
    if (registration_.broker.https) co_return co_await secure();
    co_return {};
  }

  Task<Result<>> secure() {
    const std::string& name = registration_.submission.url.host;
    auto tls =
        std::make_unique<async::TlsStream>(loop_, std::move(stream_), *registration_.tls, async::TlsSide::client, name);
    const auto done = co_await tls->handshake();
    if (!done) co_return fail("{}: TLS: {}", registration_.broker.authority(), done.error().text());
    stream_ = std::move(tls);
    co_return {};
  }

  async::Loop& loop_;
  const Registration& registration_;
  async::Resolver resolver_;
  std::unique_ptr<async::Stream> stream_;
  IpAddress mine_;
};

std::unexpected<RegistrationError> refused(const Error& error) {
  return std::unexpected(RegistrationError(RegistrationError::Kind::refused, error.text()));
}

std::unexpected<RegistrationError> broken(const Error& error) {
  return std::unexpected(RegistrationError(RegistrationError::Kind::network, error.text()));
}

std::optional<IpAddress> unspecified_in(const libp2p::Multiaddr& address) {
  const auto ip = address.components().front().ip();
  return ip && ip->is_unspecified() ? ip : std::nullopt;
}

// The broker would refuse it without a reason that helps.
Error nothing_left(const Registration& registration, const IpAddress& mine) {
  return Error(
      fmt::format("{} was reached over {}, and the node has no address of that kind: listen on one, or announce one",
                  registration.broker.authority(), mine.is_v6() ? "IPv6" : "IPv4"));
}

Task<Outcome> attempt(async::Loop& loop, const libp2p::PrivateKey& key, const Registration& registration,
                      crypto::Random& random) {
  Link link(loop, registration);
  if (const auto connected = co_await link.connect(); !connected) co_return broken(connected.error());
  Submission submission = registration.submission;
  submission.addresses = specified(submission.addresses, link.mine());
  if (submission.addresses.empty() && !registration.submission.addresses.empty()) {
    co_return refused(nothing_left(registration, link.mine()));
  }
  Handshake handshake(*registration.dialect, key, std::move(submission), random);

  const auto challenge = co_await link.exchange(handshake.first());
  if (!challenge) co_return broken(challenge.error());
  auto request = handshake.second(*challenge);
  if (!request) co_return refused(request.error());
  if (!challenge->reusable || !handshake.stays(*challenge)) {
    if (const auto connected = co_await link.connect(); !connected) co_return broken(connected.error());
  }
  const auto response = co_await link.exchange(*std::move(request));
  if (!response) co_return broken(response.error());
  if (const auto done = handshake.finish(*response); !done) co_return refused(done.error());
  co_return Outcome();
}

}  // namespace

std::vector<std::string> specified(const std::vector<std::string>& addresses, const IpAddress& mine) {
  std::vector<std::string> result;
  for (const std::string& text : addresses) {
    const auto address = libp2p::Multiaddr::parse(text);
    const auto unspecified = address ? unspecified_in(*address) : std::nullopt;
    if (!unspecified) {
      result.push_back(text);
    } else if (unspecified->is_v6() == mine.is_v6()) {
      std::string rest = address->to_string().substr(1);  // "ip4/0.0.0.0/tcp/1"
      rest = rest.substr(rest.find('/') + 1);
      const std::size_t slash = std::min(rest.find('/'), rest.size());
      result.push_back(fmt::format("/{}/{}{}", mine.is_v6() ? "ip6" : "ip4", mine.to_string(), rest.substr(slash)));
    }
  }
  return result;
}

std::vector<IpAddress> preferred(const std::vector<IpAddress>& broker, const std::vector<std::string>& addresses) {
  std::vector<IpAddress> first, last;
  for (const IpAddress& address : broker) (specified(addresses, address).empty() ? last : first).push_back(address);
  first.insert(first.end(), last.begin(), last.end());
  return first;
}

Task<Outcome> register_value(async::Loop& loop, const libp2p::PrivateKey& key, Registration registration,
                             crypto::Random& random) {
  auto trying = attempt(loop, key, registration, random);
  auto outcome = co_await async::within(loop, registration.timeout, std::move(trying));
  if (outcome) co_return *std::move(outcome);
  const Error late(fmt::format("not done in {} ms", registration.timeout.count()));
  co_return broken(late);
}

}  // namespace swage::peer
