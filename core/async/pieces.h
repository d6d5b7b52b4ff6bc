// Pieces: what a layered stream (TLS, WebSocket) makes its records or messages of. For core/async and
// core/websocket.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/async/stream.h"
#include "core/bytes.h"

namespace swage::async {

// What Stream::write() is given, in pieces of at most some bytes; small parts share one.
class Pieces {
 public:
  Pieces(const Stream::Parts& parts, std::size_t most) : parts_(parts), most_(most) {}

  // Empty at the end; lives until the next call.
  Bytes next() {
    while (at_ < parts_.size() && parts_[at_].empty()) ++at_;
    if (at_ == parts_.size()) return {};
    if (parts_[at_].size() >= most_) return take(most_);
    gathered_.clear();
    for (; at_ < parts_.size() && gathered_.size() < most_; at_ += parts_[at_].empty() ? 1 : 0) {
      const Bytes some = take(most_ - gathered_.size());
      gathered_.insert(gathered_.end(), some.begin(), some.end());
    }
    return gathered_;
  }

 private:
  Bytes take(std::size_t most) {
    const Bytes taken = parts_[at_].first(std::min(most, parts_[at_].size()));
    parts_[at_] = parts_[at_].subspan(taken.size());
    return taken;
  }

  Stream::Parts parts_;
  std::size_t most_;
  std::size_t at_ = 0;
  std::vector<std::uint8_t> gathered_;
};

}  // namespace swage::async
