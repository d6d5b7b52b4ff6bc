#include "tests/fleet/load/checker.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "core/async/tasks.h"
#include "core/async/tcp.h"
#include "tests/support/broker/nodes.h"
#include "tests/support/broker/registrar.h"
#include "tests/support/dns_message.h"

namespace swage::fleet {

using namespace swage::tests;
using namespace std::chrono_literals;

namespace {

// Longer than a process is stopped by anybody: an answer that comes late counts, too.
constexpr std::chrono::milliseconds kTcpPatience = 15s;

Answer judge(Bytes packet, const std::string& value) {
  if (packet.size() < 12) return Answer::other;
  const unsigned rcode = packet[3] & 0x0FU;
  if (rcode == 2) return Answer::servfail;
  if (rcode != 0) return Answer::other;
  const bool has = std::ranges::search(packet, value).begin() != packet.end();
  return has ? Answer::has : Answer::missing;
}

// The whole message, with its length before it.
async::Task<Result<Packet>> exchange(async::Loop& loop, Endpoint server, Packet query) {
  async::TcpStream stream(loop);
  stream.reset_when_closed();
  CO_TRY(co_await stream.connect(server));
  CO_TRY(co_await stream.write(query));
  Packet answer;
  std::array<std::uint8_t, 2048> buffer;
  while (answer.size() < 2 || answer.size() < 2U + (answer[0] << 8U | answer[1])) {
    CO_TRY(const std::size_t size, co_await stream.read(buffer));
    if (size == 0) co_return fail("the connection ends in the middle of an answer");
    answer.insert(answer.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  }
  answer.erase(answer.begin(), answer.begin() + 2);
  co_return answer;
}

}  // namespace

Challenge challenge(std::uint32_t number, const std::string& zone) {
  const std::string peer = Nodes::key(number).public_key().peer_id().to_base36();
  return {.name = "_acme-challenge." + peer + "." + zone + ".", .value = challenge_value(number)};
}

class Checker::Nameserver {
 public:
  Nameserver(async::Loop& loop, Tally& tally, const Endpoint& at)
      : loop_(loop),
        tally_(tally),
        at_(at),
        name_(at.address.to_string()),
        udp_(at),
        poll_(loop, udp_.descriptor(), [this] { receive(); }) {}

  void ask(const Challenge& challenge) {
    const std::uint16_t id = next_++;
    if (asked_.erase(id) > 0) tally_.answered(name_, false, Answer::silent);
    const Packet query = encode({.name = challenge.name, .type = "TXT", .id = id});
    asked_.emplace(id, challenge);
    udp_.send(query);
    ++over_tcp_;
    loop_.spawn(ask_tcp(*this, challenge, framed(query)));
  }

  [[nodiscard]] std::size_t pending() const { return asked_.size() + over_tcp_; }

  void end() {
    for (std::size_t i = 0; i < asked_.size(); ++i) tally_.answered(name_, false, Answer::silent);
    asked_.clear();
  }

 private:
  void receive() {
    while (const std::optional<Packet> packet = udp_.receive(0ms)) {
      if (packet->size() < 2) continue;
      const auto found = asked_.find(static_cast<std::uint16_t>((*packet)[0] << 8U | (*packet)[1]));
      if (found == asked_.end()) continue;
      judged(found->second, false, *packet);
      asked_.erase(found);
    }
  }

  void judged(const Challenge& challenge, bool tcp, Bytes packet) {
    const Answer answer = judge(packet, challenge.value);
    tally_.answered(name_, tcp, answer);
    if (answer != Answer::missing) return;
    const double later = static_cast<double>(loop_.now() - challenge.acknowledged) * 1e-6;
    tally_.violation(fmt::format("{} over {}: no {} at {}, {:.1f} ms after the 200", name_, tcp ? "TCP" : "UDP",
                                 challenge.value, challenge.name, later));
  }

  static async::Task<> ask_tcp(Nameserver& nameserver, Challenge challenge, Packet query) {
    auto asking = exchange(nameserver.loop_, nameserver.at_, std::move(query));
    const std::optional<Result<Packet>> answer =
        co_await async::within(nameserver.loop_, kTcpPatience, std::move(asking));
    --nameserver.over_tcp_;
    if (answer && *answer) {
      nameserver.judged(challenge, true, **answer);
    } else {
      nameserver.tally_.answered(nameserver.name_, true, Answer::silent);
    }
  }

  async::Loop& loop_;
  Tally& tally_;
  Endpoint at_;
  std::string name_;
  UdpClient udp_;
  async::Poll poll_;
  std::map<std::uint16_t, Challenge> asked_;  // over UDP, by ID
  std::uint16_t next_ = 0;
  std::size_t over_tcp_ = 0;
};

Checker::Checker(async::Loop& loop, Tally& tally, const std::vector<Endpoint>& nameservers) : loop_(loop) {
  for (const Endpoint& each : nameservers) nameservers_.push_back(std::make_unique<Nameserver>(loop, tally, each));
}

Checker::~Checker() = default;

void Checker::ask(const Challenge& challenge) {
  Challenge now = challenge;
  now.acknowledged = loop_.now();
  for (const auto& each : nameservers_) each->ask(now);
}

std::size_t Checker::pending() const {
  std::size_t sum = 0;
  for (const auto& each : nameservers_) sum += each->pending();
  return sum;
}

void Checker::end() {
  for (const auto& each : nameservers_) each->end();
}

}  // namespace swage::fleet
