// plugin-name: answers TXT queries with a text. setup() runs in every process; each class says in which one it works.
#include "core/plugin/plugin.h"
// [[service]]
#include "core/plugin/follow.h"
#include "core/whole_file.h"
// [[end]]

namespace swage::plugins::plugin_name {
namespace {

constexpr std::size_t kMaxText = 255;  // bytes: one string of a TXT record

struct Settings {
  std::string text;
  std::uint32_t ttl = 60;  // seconds
  metrics::Counter answers;
  // [[service]]
  const shm::Snapshot* file = nullptr;  // what was read last; none: there is no `file` in the Corefile
  // [[end]]
};

// In every dns process. serve() answers, or calls `next`; it never waits.
class PluginNamePlugin : public Plugin {
 public:
  explicit PluginNamePlugin(Settings settings) : settings_(std::move(settings)) {}

  Result<Outcome> serve(const Query& query, Response& response, Next next) const override {
    if (query.qtype != dns::Type::txt) return next(query, response);
    settings_.answers.add();
    return answer_text(query, response, settings_.ttl, text());
  }

 private:
  [[nodiscard]] std::string_view text() const {
    // [[service]]
    if (settings_.file != nullptr) return as_text(settings_.file->bytes());
    // [[end]]
    return settings_.text;
  }

  Settings settings_;
};
// [[observer]]

// In every dns process. Sees each query of the server block after it was answered.
class Watcher : public Observer {
 public:
  explicit Watcher(metrics::Counter bytes) : bytes_(bytes) {}

  void sent(const Query& /*query*/, const Response& /*response*/, Bytes message) const override {
    bytes_.add(message.size());
  }

 private:
  metrics::Counter bytes_;
};
// [[end]]
// [[service]]

// The first line of the file.
Result<std::string> read_text(const std::string& path) {
  constexpr std::size_t kMaxFile = 4096;  // bytes
  TRY(std::string text, read_whole_file(path, kMaxFile));
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.empty() || text.size() > kMaxText) return fail("{}: expected a line of 1 to {} bytes", path, kMaxText);
  return text;
}

// In the service process. Publishes what the file says, and again whenever it has changed; what is wrong with it is
// logged, and the text before stays in force.
class Reading : public Service {
 public:
  Reading(std::string path, shm::Snapshot& text)
      : path_(std::move(path)), text_(text), file_("plugin-name", {path_}, {.every = std::chrono::seconds(1)}) {}

  Result<> prepare() override {
    file_.remember();
    return publish(read_text(path_));
  }

  async::Task<Result<>> run(Host& host) override {
    const auto load = [this] { return read_text(path_); };  // on another thread
    const auto take = [this](const Result<std::string>& read) { return publish(read); };
    co_await follow(host, file_, load, take);
    co_return Result<>();
  }

 private:
  Result<> publish(const Result<std::string>& read) {
    if (!read) return std::unexpected(read.error());
    TRY(shm::Segment memory, shm::Segment::create("swage plugin-name", read->size()));
    std::ranges::copy(as_bytes(*read), memory.writable_bytes().begin());
    return text_.publish(std::move(memory));
  }

  std::string path_;
  shm::Snapshot& text_;
  FollowedFiles file_;
};
// [[end]]

}  // namespace

// plugin-name TEXT { ttl SECONDS|DURATION }
Result<> setup(Controller& controller) {
  Settings settings;
  // [[service]]
  std::string path;
  // [[end]]
  controller.once();
  TRY(settings.text, controller.expect_arg("a text"));
  if (settings.text.size() > kMaxText) return controller.fail("the text has more than {} bytes", kMaxText);
  TRY(controller.read_block({
      {"ttl", [&] { return assign(settings.ttl, controller.expect_ttl()); }},
      // [[service]]
      {"file", [&] { return assign(path, controller.expect_path("the path of a file with a text")); }},
      // [[end]]
  }));
  settings.answers = controller.metrics().counter("swage_plugin_name_answers_total", "Texts that were answered.");
  // [[service]]
  if (!path.empty()) {
    shm::Snapshot& text = controller.snapshot("plugin-name " + path);
    settings.file = &text;
    if (text.claim()) controller.add(std::make_unique<Reading>(path, text));
  }
  // [[end]]
  // [[observer]]
  controller.add(std::make_unique<const Watcher>(controller.metrics().counter(
      "swage_plugin_name_sent_bytes_total", "Bytes of the responses of its server blocks.")));
  // [[end]]
  controller.add(std::make_unique<const PluginNamePlugin>(std::move(settings)));
  return {};
}

}  // namespace swage::plugins::plugin_name
