#include <algorithm>

#include "core/dial/connection.h"
#include "core/dial/substream_state.h"

namespace swage::dial {

using async::Task;

Substream::~Substream() { close(); }

Task<Result<std::size_t>> Substream::read(MutableBytes into) {
  CHECK(!into.empty());
  const auto state = state_;  // the Substream may be gone when this goes on
  while (state->arrived.empty()) {
    if (state->finished && !state->closed) co_return 0U;
    if (state->error) co_return std::unexpected(*state->error);
    state->readable.reset();
    co_await state->readable.wait();
  }
  const std::size_t size = std::min(into.size(), state->arrived.size() - state->taken);
  std::copy_n(state->arrived.begin() + static_cast<std::ptrdiff_t>(state->taken), size, into.begin());
  state->taken += size;
  if (state->taken == state->arrived.size()) state->forget();
  if (Connection* connection = state->connection) {
    connection->session_.consume(state->id, size);
    connection->say();
  }
  co_return size;
}

Task<Result<>> Substream::write_parts(Parts parts) {
  const auto state = state_;
  for (Bytes rest : parts) {
    while (!rest.empty()) {
      if (state->connection == nullptr) co_return std::unexpected(*state->error);
      const auto written = state->connection->session_.write(state->id, rest);
      if (!written) co_return fail("{}", written.error().text());
      state->connection->say();
      rest = rest.subspan(*written);
      if (*written > 0) continue;
      state->writable.reset();
      co_await state->writable.wait();
    }
  }
  co_return {};
}

void Substream::end_writing() {
  if (state_->connection == nullptr) return;
  state_->connection->session_.close(state_->id);
  state_->connection->say();
}

void Substream::close() {
  if (!state_->arrived.empty()) return reset();
  end_writing();
  if (Connection* connection = state_->connection) connection->drop(state_->id, "the stream was closed");
  state_->closed = true;
}

void Substream::reset() {
  if (Connection* connection = state_->connection) {
    connection->session_.reset(state_->id);
    connection->say();
    connection->drop(state_->id, "the stream was closed");
  }
  state_->forget();
  state_->closed = true;
}

}  // namespace swage::dial
