// motd: the first line of a file in TXT. The service process follows the file and publishes the line; every dns process
// answers from the memory that it publishes.
#include "core/plugin/follow.h"
#include "core/plugin/plugin.h"
#include "core/whole_file.h"

namespace swage::plugins::motd {
namespace {

constexpr std::size_t kMaxLine = 255, kMaxFile = 4096;  // bytes
constexpr std::uint32_t kTtl = 10;                      // seconds

class Motd : public Plugin {
 public:
  explicit Motd(const shm::Snapshot& line) : line_(line) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype != dns::Type::txt) return next(query, response);
    return answer_text(query, response, kTtl, as_text(line_.bytes()));
  }

 private:
  const shm::Snapshot& line_;
};

Result<std::string> read_line(const std::string& path) {
  TRY(std::string text, read_whole_file(path, kMaxFile));
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.empty() || text.size() > kMaxLine) return fail("{}: expected a line of 1 to {} bytes", path, kMaxLine);
  return text;
}

class Reading : public Service {
 public:
  Reading(std::string path, shm::Snapshot& line)
      : path_(std::move(path)), line_(line), file_("motd", {path_}, {.every = std::chrono::seconds(1)}) {}

  // Before the first query. What is wrong with the file stops the start.
  Result<> prepare() override {
    file_.remember();
    return publish(read_line(path_));
  }

  // What is wrong with the file later is logged, and the line before stays in force.
  async::Task<Result<>> run(Host& host) override {
    const auto load = [this] { return read_line(path_); };  // on another thread
    const auto take = [this](const Result<std::string>& read) { return publish(read); };
    co_await follow(host, file_, load, take);
    co_return Result<>();
  }

 private:
  Result<> publish(const Result<std::string>& read) {
    if (!read) return std::unexpected(read.error());
    TRY(shm::Segment memory, shm::Segment::create("swage motd", read->size()));
    std::ranges::copy(as_bytes(*read), memory.writable_bytes().begin());
    return line_.publish(std::move(memory));
  }

  std::string path_;
  shm::Snapshot& line_;
  FollowedFiles file_;
};

}  // namespace

// motd FILE
Result<> setup(Controller& controller) {
  controller.once();
  TRY(const std::string path, controller.expect_path("the path of a file"));
  shm::Snapshot& line = controller.snapshot("motd " + path);
  if (line.claim()) controller.add(std::make_unique<Reading>(path, line));  // one for all server blocks with this file
  controller.add(std::make_unique<const Motd>(line));
  return {};
}

}  // namespace swage::plugins::motd
