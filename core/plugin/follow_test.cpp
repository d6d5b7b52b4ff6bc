#include "core/plugin/follow.h"

#include <filesystem>
#include <functional>

#include "core/whole_file.h"
#include "tests/support/log_capture.h"
#include "tests/support/loopback.h"
#include "tests/support/service_run.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

using namespace swage;
using namespace std::chrono_literals;
using tests::Folder;

namespace {

namespace fs = std::filesystem;

// Follows a file, whose text may not be "bad".
class Reader : public Service {
 public:
  Reader(const std::string& path, FollowedFiles::Options options) : path_(path), file_("reader", {path}, options) {
    file_.remember();
  }
  async::Task<Result<>> run(Host& host) override {
    const auto load = [this] {
      ++loads;
      if (while_reading) std::exchange(while_reading, nullptr)();
      return read_whole_file(path_, 100);
    };
    const auto take_it = [this](Result<std::string> read) { return take(std::move(read)); };
    co_await follow(host, file_, load, take_it);
    co_return Result<>();
  }

  std::string text = "nothing";
  int loads = 0, taken = 0;
  std::function<void()> while_reading;

 private:
  Result<> take(Result<std::string> read) {
    ++taken;
    if (!read) return fail("{}; the text stays", read.error().text());
    if (*read == "bad") return fail("{}: is bad; the text stays", path_);
    text = *std::move(read);
    return {};
  }

  std::string path_;
  FollowedFiles file_;
};

constexpr FollowedFiles::Options kOften = {.every = 5ms, .settled = 5ms};

// Whole, whenever it is read.
void replace(const Folder& folder, const std::string& name, std::string_view text) {
  fs::rename(folder.write("new", text), folder.file(name));
}

}  // namespace

TEST_CASE("follow: a file that appears, changes, is replaced, or is another one behind its link") {
  const Folder folder;
  Reader reader(folder.file("file"), kOften);
  fs::create_directory(folder.file("one"));
  fs::create_directory(folder.file("two"));
  static_cast<void>(folder.write("one/file", "of one"));
  static_cast<void>(folder.write("two/file", "of two"));
  const auto link = [&](const std::string& target) {  // as kubelet switches a ConfigMap
    fs::create_symlink(target, folder.file("data_new"));
    fs::rename(folder.file("data_new"), folder.file("data"));
  };
  const auto is = [&](std::string_view text) { return [&, text] { return reader.text == text; }; };
  const auto looks = tests::run_steps(reader, [&] { return reader.text; },
                                      {{[&] { static_cast<void>(folder.write("file", "made")); }, is("made")},
                                       {[&] { static_cast<void>(folder.write("file", "written")); }, is("written")},
                                       {[&] { replace(folder, "file", "renamed"); }, is("renamed")},
                                       {[&] {
                                          link("one");
                                          fs::create_symlink("data/file", folder.file("new"));
                                          fs::rename(folder.file("new"), folder.file("file"));
                                        },
                                        is("of one")},
                                       {[&] { link("two"); }, is("of two")}});
  CHECK(looks == std::vector<std::string>{"nothing", "made", "written", "renamed", "of one", "of two"});
}

TEST_CASE("follow: what is wrong is said once, and once that it is over") {
  const Folder folder;
  const std::string path = folder.write("file", "good");
  Reader reader(path, kOften);
  tests::LogCapture log;
  int taken = 0;
  const auto again = [&] { return reader.taken > std::exchange(taken, reader.taken); };
  const auto step = [&](std::function<void()> change) { return tests::Step{std::move(change), again}; };
  static_cast<void>(
      tests::run_steps(reader, [] { return ""; },
                       {step([&] { replace(folder, "file", "bad"); }), step([&] { replace(folder, "file", "bad"); }),
                        step([&] { fs::remove(path); }), step([&] { replace(folder, "file", "well"); }),
                        step([&] { replace(folder, "file", "better"); })}));
  CHECK(reader.text == "better");
  CHECK(log.take() == "[ERROR] plugin/reader: " + path + ": is bad; the text stays\n[ERROR] plugin/reader: " + path +
                          ": No such file or directory; the text stays\n[INFO] plugin/reader: " + path +
                          ": can be read again\n");
}

TEST_CASE("follow: what changes while it is read is read again, and not taken before") {
  const Folder folder;
  const std::string path = folder.file("file");
  Reader reader(path, kOften);
  reader.while_reading = [&] { replace(folder, "file", "second"); };
  replace(folder, "file", "first");
  CHECK(tests::run_until(reader, 5ms, [&] { return reader.taken > 0; }));
  CHECK(reader.text == "second");
  CHECK(reader.taken == 1);
  CHECK(reader.loads == 2);
}

TEST_CASE("follow: a folder that is watched tells at once; 0 never looks; forget() reads again what is unchanged") {
  const Folder folder;
  const std::string path = folder.write("file", "old");
  Reader watching(path, {.every = 1h, .settled = 5ms, .watch_folder = true});
  CHECK(tests::run_steps(watching, [&] { return watching.text; },
                         {{[&] { replace(folder, "file", "told"); }, [&] { return watching.text == "told"; }}})
            .size() == 2);
  Reader never(path, {.every = 0ms, .settled = 0ms});
  replace(folder, "file", "unseen");
  int looks = 0;
  CHECK(tests::run_until(never, 10ms, [&] { return ++looks == 10; }));
  CHECK(never.loads == 0);

  FollowedFiles files("reader", {path}, {.every = 1h, .settled = 5ms});
  files.remember();
  files.forget();
  tests::LoopHost host;
  const auto changed = [](FollowedFiles& followed, Host& around, bool& result) -> async::Task<> {
    result = co_await followed.changed(around);
    co_return;
  };
  bool result = false;
  host.loop().spawn(changed(files, host, result));
  host.loop().run();
  CHECK(result);
}
