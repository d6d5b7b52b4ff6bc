// Noise against any bytes: as messages of a handshake, as payloads that were encrypted for us, as what comes behind a
// handshake. The first byte chooses which, the second in how small pieces.
#include <algorithm>
#include <cstdlib>

#include "core/crypto/testing.h"
#include "core/libp2p/noise.h"
#include "core/libp2p/noise_payload.h"

namespace {

using namespace swage;
using namespace swage::libp2p;
using namespace swage::libp2p::noise;
using crypto::testing::SeededRandom;

void expect(bool holds) {
  if (!holds) std::abort();
}

const PrivateKey& identity() {
  static const PrivateKey key = PrivateKey::from_seed(std::vector<std::uint8_t>(32, 1));
  return key;
}

Handshake start(Role role, std::uint64_t seed) {
  SeededRandom random(seed);
  return *Handshake::start({role, {}}, identity(), random);
}

// The bytes never prove anybody to be somebody: they have seen no key of ours.
void shake_hands(Role role, Bytes input, std::size_t step) {
  Handshake handshake = start(role, 1);
  (void)handshake.take_output();
  while (!input.empty()) {
    Bytes part = input.first(std::min(step, input.size()));
    input = input.subspan(part.size());
    if (!handshake.receive(part)) {
      expect(!handshake.done() && !handshake.receive(part));
      return;
    }
    expect(part.empty());
  }
  expect(!handshake.done());
}

void give(Handshake& to, const std::vector<std::uint8_t>& bytes) {
  Bytes in = bytes;
  expect(to.receive(in).has_value());
}

void decrypt(Bytes input, std::size_t step) {
  Handshake a = start(Role::initiator, 1), b = start(Role::responder, 2);
  give(b, a.take_output());
  give(a, b.take_output());
  give(b, a.take_output());
  Channel sender = std::move(a).finish(), receiver = std::move(b).finish();
  std::vector<std::uint8_t> frames;
  expect(sender.encryptor.encrypt(input, frames).has_value());
  std::vector<std::uint8_t> plaintext;
  for (Bytes rest = frames; !rest.empty();) {
    Bytes part = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(part.size());
    while (!part.empty()) {
      const auto message = receiver.decryptor.receive(part);
      expect(message.has_value());
      if (*message) plaintext.insert(plaintext.end(), (*message)->begin(), (*message)->end());
    }
  }
  expect(receiver.decryptor.between_messages() && std::ranges::equal(plaintext, input));
  while (!input.empty()) {  // not encrypted at all
    const auto message = receiver.decryptor.receive(input);
    if (!message) break;
    expect(!*message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 2, size - 2);
  const std::size_t step = data[1] + std::size_t{1};
  switch (data[0] % 4) {
    case 0:
      shake_hands(Role::initiator, input, step);
      break;
    case 1:
      shake_hands(Role::responder, input, step);
      break;
    case 2:
      (void)check_payload(input, {});
      break;
    default:
      decrypt(input, step);
  }
  return 0;
}
