#include "tests/support/broker/faulty_stream.h"

#include <algorithm>

namespace swage::tests {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kGarbage = 300;     // bytes
constexpr std::size_t kFlood = 64 << 10;  // bytes a write

// Not random, so that a failure can be repeated.
std::vector<std::uint8_t> nonsense(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

}  // namespace

async::Task<Result<>> FaultyStream::write_parts(Parts parts) {
  std::vector<std::uint8_t> all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  const std::size_t honest = std::min(honest_, all.size());
  if (honest > 0) CO_TRY(co_await carrier_->write(Bytes(all).first(honest)));
  honest_ -= honest;
  if (honest == all.size() && honest_ > 0) co_return {};
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(honest));
  co_return co_await go_wrong(std::move(all));
}

async::Task<Result<>> FaultyStream::go_wrong(std::vector<std::uint8_t> rest) {
  if (fault_ == Fault::close) {
    carrier_->close();
    co_return fail("closed");
  }
  if (fault_ == Fault::trickle) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
      co_await async::sleep(loop_, 50ms);
      CO_TRY(co_await carrier_->write(Bytes(rest).subspan(i, 1)));
    }
    co_return {};
  }
  if (fault_ == Fault::garbage) {
    const std::vector<std::uint8_t> bytes = nonsense(kGarbage);
    CO_TRY(co_await carrier_->write(bytes));
  }
  if (fault_ == Fault::flood) {
    const std::vector<std::uint8_t> bytes = nonsense(kFlood);
    while (true) CO_TRY(co_await carrier_->write(bytes));
  }
  co_return co_await hold();
}

// Somebody else may be reading: so this does not wait for the other side to close, but longer than it should take.
async::Task<Result<>> FaultyStream::hold() {
  co_await async::sleep(loop_, 2500ms);
  co_return fail("held for long enough");
}

}  // namespace swage::tests
