#include "core/async/carrier.h"

#include <algorithm>
#include <utility>

namespace swage::async {

void Carrier::close() {
  if (std::exchange(closed_, true)) return;
  stream_->close();
  notify();
}

Task<Result<>> Carrier::all_of(std::shared_ptr<Carrier> carrier, Task<Result<>> task) {
  struct CloseUnlessDone {
    Carrier& carrier;
    bool done = false;
    ~CloseUnlessDone() {
      if (!done) carrier.close();
    }
  };
  CloseUnlessDone guard{*carrier};
  Result<> result = co_await std::move(task);
  guard.done = true;
  co_return result;
}

std::unexpected<Error> Carrier::fail_for_ever(Error error) {
  if (!failure_) failure_ = std::move(error);
  notify();
  return std::unexpected(*failure_);
}

Result<> Carrier::can_read() const {
  if (closed_) return fail("read: closed");
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Result<> Carrier::can_write() const {
  if (closed_) return fail("write: closed");
  if (failure_) return std::unexpected(*failure_);
  if (write_failure_) return std::unexpected(*write_failure_);
  return {};
}

void Carrier::put(std::vector<std::uint8_t>& bytes) {
  if (!closed_ && !write_failure_ && !bytes.empty()) {
    put_ += bytes.size();
    if (output_.empty()) {
      output_.swap(bytes);
    } else {
      output_.insert(output_.end(), bytes.begin(), bytes.end());
    }
    if (!std::exchange(writing_, true)) loop_.spawn(write_out(shared_from_this()));
  }
  bytes.clear();
}

Task<> Carrier::write_out(std::shared_ptr<Carrier> self) {
  while (!self->output_.empty()) {
    const std::vector<std::uint8_t> bytes = std::exchange(self->output_, {});
    const Result<> result = co_await self->stream_->write(bytes);
    if (result) {
      self->written_ += bytes.size();
    } else {
      self->write_failure_ = result.error();
      self->output_.clear();
      self->put_ = self->written_;
    }
    self->notify();
  }
  self->writing_ = false;
}

Task<Result<>> Carrier::written(std::size_t most) {
  const std::uint64_t enough = put_ - std::min<std::uint64_t>(put_, most);
  for (;;) {
    CO_TRY(can_write());
    if (written_ >= enough) co_return {};
    co_await change();
  }
}

Task<Result<bool>> Carrier::fill() {
  while (pending() > kTooMuch && can_read()) co_await change();
  CO_TRY(can_read());
  if (ended_) co_return false;
  const std::size_t most = read_size_;
  auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(most);
  CO_TRY(const std::size_t size, co_await stream_->read(MutableBytes(buffer.get(), most)));
  CO_TRY(can_read());
  read_size_ = size == most ? std::min(kReadSize, 4 * most) : size < kFirstRead ? kFirstRead : most;
  ended_ = size == 0;
  input_ = Bytes(buffer.get(), size);
  buffer_ = std::move(buffer);
  co_return !ended_;
}

void Carrier::release_input() {
  if (input_.empty()) buffer_.reset();
}

Task<> Carrier::change() {
  changed_.reset();
  co_await changed_.wait();
}

}  // namespace swage::async
