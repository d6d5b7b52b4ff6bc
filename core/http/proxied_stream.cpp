#include "core/http/proxied_stream.h"

#include <algorithm>
#include <array>
#include <utility>

namespace swage::http {

async::Task<Result<std::size_t>> ProxiedStream::read(MutableBytes into) {
  if (known_) CO_TRY(co_await read_header());
  if (!rest_.empty()) {
    const std::size_t size = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), size, into.begin());
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
    co_return size;
  }
  co_return co_await carrier_->read(into);
}

async::Task<Result<>> ProxiedStream::read_header() {
  using Do = ProxyPolicy::Verdict::Do;
  std::array<std::uint8_t, 512> some{};
  while (true) {
    CO_TRY(const std::size_t size, co_await carrier_->read(some));
    if (size == 0 && rest_.empty()) co_return Result<>();  // nothing at all
    if (size == 0) co_return fail("closed within a header of the PROXY protocol");
    rest_.insert(rest_.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(size));
    const ProxyPolicy::Verdict verdict = policy_.judge(rest_, sender_);
    if (verdict.what == Do::refuse) co_return fail("a header of the PROXY protocol that is not taken");
    if (verdict.what == Do::wait) continue;
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(verdict.size));
    std::exchange(known_, {})(verdict.client.address);
    co_return Result<>();
  }
}

}  // namespace swage::http
