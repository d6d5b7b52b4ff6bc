// yamux against a hostile peer: any bytes, in pieces of any size, with commands in between. The limits hold, whatever
// comes. The first byte chooses the side; each piece of the rest is a byte that chooses a command, a byte for its size
// and that many bytes.
#include <cstdlib>
#include <map>

#include "core/libp2p/yamux.h"

namespace {

using namespace swage;
using namespace swage::libp2p::yamux;

void expect(bool holds) {
  if (!holds) std::abort();
}

constexpr Limits kLimits = {3, 2, 400, kInitialWindow + 1000, 2000};

struct Peer {
  Session session;
  std::map<StreamId, std::size_t> held;

  void take(const Event& event) {
    if (event.kind == Event::Kind::opened) expect(held[event.stream] == 0);
    if (event.kind == Event::Kind::data) {
      expect(held.contains(event.stream) && !event.data.empty());
      held[event.stream] += event.data.size();
    }
    if (event.kind == Event::Kind::reset) expect(held.erase(event.stream) == 1);
  }

  void command(std::uint8_t choice) {
    const StreamId id = choice >> 3;
    switch (choice & 7) {
      case 0:
        if (const auto opened = session.open()) held[*opened] = 0;
        break;
      case 1:
        if (held.contains(id)) (void)session.write(id, std::vector<std::uint8_t>(300));
        break;
      case 2:
        session.close(id);
        break;
      case 3:
        session.reset(id);
        held.erase(id);
        break;
      case 4:
        for (auto& [stream, size] : held) session.consume(stream, std::exchange(size, 0));
        break;
      case 5:
        session.drain(session.output().size());
        break;
      case 6:
        session.ping(choice);
        break;
      default:
        if (choice == 0xFF) session.go_away(Reason::normal);
    }
    check();
  }

  void check() {
    expect(session.output().size() <= kLimits.output + kAnswers);
    expect(session.unconsumed() <= kLimits.unconsumed);
    expect(session.streams() <= kLimits.inbound_streams + kLimits.outbound_streams);
    std::size_t sum = 0;
    for (const auto& [stream, bytes] : held) sum += bytes;
    expect(sum == session.unconsumed());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Peer peer{Session(data[0] % 2 == 0 ? Role::initiator : Role::listener, kLimits), {}};
  Bytes input(data + 1, size - 1);
  while (input.size() >= 2) {
    peer.command(input[0]);
    Bytes part = input.subspan(2, std::min<std::size_t>(input[1], input.size() - 2));
    input = input.subspan(2 + part.size());
    for (;;) {
      const auto event = peer.session.receive(part);
      if (!event) {
        expect(!peer.session.receive(part) && !peer.session.open());
        return 0;
      }
      if (!*event) break;
      peer.take(**event);
      peer.check();
    }
    expect(part.empty());
  }
  return 0;
}
