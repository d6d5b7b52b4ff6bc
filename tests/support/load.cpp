#include "tests/support/load.h"

#include <numeric>

#include "tests/support/dns_message.h"

namespace swage::tests {
namespace {

constexpr const char* kName =
    "203-0-113-1.k51qzi5uqu5dgf513xbrfjl4smgo2eh1x8p8y6grzsf1oz0reiy56p65tds3s6.libp2p.direct.";

enum class Answer { none, right, wrong };

Answer ask(const UdpClient& socket, const Packet& query, Milliseconds patience) {
  socket.send(query);
  while (true) {
    const std::optional<Packet> answer = socket.receive(patience);
    if (!answer) return Answer::none;
    if (answer->size() < 12) return Answer::wrong;
    if ((*answer)[0] != query[0] || (*answer)[1] != query[1]) continue;  // late, of an earlier try
    return ((*answer)[3] & 0x0F) == 0 && (*answer)[7] == 1 ? Answer::right : Answer::wrong;
  }
}

template <typename Member>
std::uint64_t sum(const std::vector<Load::Client>& clients, Member member) {
  return std::accumulate(
      clients.begin(), clients.end(), std::uint64_t{0},
      [&](std::uint64_t total, const Load::Client& client) { return total + (client.*member).load(); });
}

}  // namespace

Load::Load(const Endpoint& server, std::size_t clients, Milliseconds patience) : clients_(clients) {
  for (std::size_t i = 0; i < clients; ++i) threads_.emplace_back([=, this] { run(server, i, patience); });
}

Load::~Load() { stop(); }

void Load::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Load::run(Endpoint server, std::size_t index, Milliseconds patience) {
  const UdpClient socket(server);
  Client& counts = clients_[index];
  for (std::uint16_t id = 0; !stopping_; ++id) {
    Packet query = encode({.name = kName, .type = "A", .id = id});
    switch (ask(socket, query, patience)) {
      case Answer::right:
        ++counts.answered;
        continue;
      case Answer::wrong:
        ++counts.wrong;
        continue;
      case Answer::none:
        break;
    }
    if (stopping_) return;
    switch (ask(socket, query, patience)) {
      case Answer::right:
        ++counts.retried;
        break;
      case Answer::wrong:
        ++counts.wrong;
        break;
      case Answer::none:
        counts.lost += stopping_ ? 0 : 1;
        break;
    }
  }
}

std::uint64_t Load::answered() const { return sum(clients_, &Client::answered); }
std::uint64_t Load::retried() const { return sum(clients_, &Client::retried); }
std::uint64_t Load::lost() const { return sum(clients_, &Client::lost); }
std::uint64_t Load::wrong() const { return sum(clients_, &Client::wrong); }

bool Load::wait_for_answers(std::uint64_t more) const {
  const std::uint64_t enough = answered() + more;
  return wait_until([&] { return answered() >= enough; }, kPatience);
}

}  // namespace swage::tests
