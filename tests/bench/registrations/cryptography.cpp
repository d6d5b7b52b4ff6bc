#include "tests/bench/registrations/cryptography.h"

#include <ctime>

#include "core/result.h"

namespace swage::bench {

namespace {

crypto::Ed25519Key some_identity(crypto::Random& random) {
  std::array<std::uint8_t, crypto::kEd25519Size> seed{};
  random.fill(seed);
  return crypto::Ed25519Key::from_seed(seed);
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr std::array<std::uint8_t, crypto::kChaChaKeySize> kKey{};

}  // namespace

Cryptography::Cryptography()
    : identity_(some_identity(random_)),
      public_(identity_.public_key()),
      ours_(crypto::X25519Key::generate(random_)),
      theirs_(crypto::X25519Key::generate(random_)),
      sealed_(message_.size() + crypto::kChaChaTagSize),
      signature_(identity_.sign(message_)) {
  crypto::chacha20_poly1305_seal(kKey, {}, {}, message_, sealed_);
}

void Cryptography::answer_challenge() { signature_ = identity_.sign(message_); }

void Cryptography::check_answer() { verify(); }

void Cryptography::begin_handshake() { ours_ = crypto::X25519Key::generate(random_); }

void Cryptography::check_proof() {
  agree_and_open();
  agree_and_open();
  verify();
}

void Cryptography::all() {
  answer_challenge();
  check_answer();
  begin_handshake();
  check_proof();
}

void Cryptography::verify() { CHECK(crypto::ed25519_verify(public_, message_, signature_)); }

void Cryptography::agree_and_open() {
  CHECK(ours_.agree(theirs_.public_key()));
  CHECK(crypto::chacha20_poly1305_open(kKey, {}, {}, sealed_, message_));
}

double measure(Cryptography& cryptography) {
  constexpr int kTimes = 200;
  const double begin = thread_seconds();
  for (int i = 0; i < kTimes; ++i) cryptography.all();
  return (thread_seconds() - begin) / kTimes;
}

}  // namespace swage::bench
