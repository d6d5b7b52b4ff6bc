#include "core/http/fetch_stream.h"

#include <algorithm>
#include <utility>

#include "core/async/event.h"
#include "core/http/transfer.h"

namespace swage::http {

using async::Task;
using Line = Result<std::optional<std::string>>;

class FetchStream::Lines : public Receiver {
 public:
  Lines(async::Loop& loop, CurlLoop& curl, const Fetcher::Settings& settings, Fetcher::Request request)
      : most_(settings.most),
        request_(std::move(request)),
        changed_(loop),
        transfer_(curl, settings, request_, Transfer::Length::endless, *this) {}

  std::size_t take(std::string_view piece) override;
  void finish(CURLcode code) override {
    over_ = code;
    changed_.set();
  }
  [[nodiscard]] async::Event& changed() { return changed_; }
  [[nodiscard]] const Transfer& transfer() const { return transfer_; }
  // What line() gives; nothing: not yet.
  [[nodiscard]] std::optional<Line> next();

 private:
  static constexpr std::size_t kWaiting = 256 << 10;  // bytes of whole lines that wait here

  [[nodiscard]] std::string cut(std::size_t size);
  [[nodiscard]] Line end();

  std::size_t most_;
  Fetcher::Request request_;
  std::string text_;  // from `begin_` on it is not read yet
  std::size_t begin_ = 0;
  std::size_t lines_ = 0;     // of these, whole
  std::size_t searched_ = 0;  // from `begin_` to here is no "\n"
  bool paused_ = false;
  std::optional<CURLcode> over_;
  async::Event changed_;  // there may be a line, or it is over
  Transfer transfer_;     // the last: its end calls nothing here
};

std::size_t FetchStream::Lines::take(std::string_view piece) {
  const std::size_t waiting = text_.size() - begin_;
  paused_ = waiting > most_ || (lines_ > 0 && waiting > kWaiting);
  if (paused_) return kPause;
  lines_ += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
  text_.append(piece);
  changed_.set();
  return piece.size();
}

// Looks at each byte once, however many pieces a line has.
std::optional<Line> FetchStream::Lines::next() {
  const std::size_t end_of_line = text_.find('\n', searched_);
  const std::size_t size = (end_of_line == std::string::npos ? text_.size() : end_of_line) - begin_;
  if (size > most_) return fail("has a line of more than {} bytes", most_);
  if (end_of_line != std::string::npos) {
    std::string line = cut(size);
    --lines_;
    if (std::exchange(paused_, false)) transfer_.go_on();
    return line;
  }
  searched_ = text_.size();
  if (over_) return end();
  changed_.reset();
  return std::nullopt;
}

// Takes off the line that is first.
std::string FetchStream::Lines::cut(std::size_t size) {
  std::string line = text_.substr(begin_, size);
  begin_ += size + 1;
  if (begin_ >= text_.size() || begin_ > kWaiting) {
    text_.erase(0, begin_);
    begin_ = 0;
  }
  searched_ = begin_;
  return line;
}

Line FetchStream::Lines::end() {
  if (*over_ != CURLE_OK) return fail("{}", transfer_.problem(*over_));
  if (text_.size() == begin_) return std::nullopt;
  return cut(text_.size() - begin_);
}

FetchStream::FetchStream(Fetcher& fetcher, Fetcher::Request request)
    : lines_(std::make_unique<Lines>(fetcher.loop_, *fetcher.curl_, fetcher.settings_, std::move(request))) {}

FetchStream::~FetchStream() = default;

Task<Line> FetchStream::line() {
  while (true) {
    std::optional<Line> line = lines_->next();
    if (line) co_return *std::move(line);
    co_await lines_->changed().wait();
  }
}

unsigned FetchStream::status() const { return lines_->transfer().status(); }

}  // namespace swage::http
