#include "core/config/sources.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace swage::config {
namespace {

// A folder of its own for a test, removed at its end.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sources_test.XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string at(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, std::string_view text) const { std::ofstream(at(name)) << text; }

 private:
  std::filesystem::path path_;
};

TEST_CASE("sources in memory know what was added", "[config]") {
  Sources sources;
  sources.add("Corefile", "a");
  sources.add("Corefile", "b");
  sources.add("conf.d/1", "");
  sources.add("conf.d/2", "");
  sources.add("conf.d/.hidden", "");
  sources.add("conf.d/sub/3", "");
  sources.set_env("ZONE", "example.org");
  CHECK(sources.read("Corefile") == "b");
  CHECK(sources.read("/etc/passwd").error().text() == "/etc/passwd: No such file or directory");
  CHECK(sources.glob("conf.d/*") == std::vector<std::string>{"conf.d/1", "conf.d/2"});
  CHECK(sources.glob("*.conf") == std::vector<std::string>{});
  CHECK(sources.env("ZONE") == "example.org");
  CHECK(sources.env("PATH") == std::nullopt);
}

TEST_CASE("sources from disk are recorded", "[config]") {
  const Folder folder;
  folder.write("b.conf", "b");
  folder.write("a.conf", "a");
  folder.write(".c.conf", "c");
  const std::string pattern = folder.at("*.conf");
  setenv("SWAGE_SOURCES_TEST", "before", 1);
  Sources sources = Sources::from_disk();
  REQUIRE(sources.glob(pattern) == std::vector<std::string>{folder.at("a.conf"), folder.at("b.conf")});
  REQUIRE(sources.read(folder.at("a.conf")) == "a");
  REQUIRE(sources.env("SWAGE_SOURCES_TEST") == "before");
  REQUIRE(sources.env("SWAGE_SOURCES_TEST_UNSET") == std::nullopt);

  folder.write("a.conf", "changed");
  folder.write("c.conf", "");
  setenv("SWAGE_SOURCES_TEST", "after", 1);
  auto copy = Sources::deserialize(sources.serialize());
  REQUIRE(copy);
  for (Sources* record : {&sources, &*copy}) {
    CHECK(record->glob(pattern)->size() == 2);
    CHECK(record->read(folder.at("a.conf")) == "a");
    CHECK(record->env("SWAGE_SOURCES_TEST") == "before");
  }
  CHECK(*copy == sources);
  CHECK_FALSE(copy->read(folder.at("b.conf")));  // was not read before
  unsetenv("SWAGE_SOURCES_TEST");

  Sources now = Sources::from_disk();
  REQUIRE(now.read(folder.at("a.conf")) == "changed");
  CHECK_FALSE(now == sources);
}

TEST_CASE("what cannot be read", "[config]") {
  const Folder folder;
  Sources sources = Sources::from_disk();
  CHECK(sources.read(folder.at("none")).error().text() == folder.at("none") + ": No such file or directory");
  CHECK(sources.read(folder.at("")).error().text() == folder.at("") + ": is not a regular file");
  folder.write("large", std::string(Sources::kMaxFile + 1, ' '));
  CHECK(sources.read(folder.at("large")).error().text() == folder.at("large") + ": has more than 1048576 bytes");
  for (int i = 0; i < 8; ++i) {
    folder.write(std::to_string(i), std::string(Sources::kMaxFile, ' '));
    CHECK(sources.read(folder.at(std::to_string(i))));
  }
  folder.write("last", "x");
  CHECK(sources.read(folder.at("last")).error().text() ==
        folder.at("last") + ": with it all files are larger than 8388608 bytes");
}

TEST_CASE("a record is taken only as it was written", "[config]") {
  const Folder folder;
  folder.write("a", "text");
  Sources sources = Sources::from_disk();
  sources.add("Corefile", std::string("with a \0 byte", 13));
  REQUIRE(sources.glob(folder.at("*")));
  REQUIRE(sources.glob(folder.at("none*")));
  REQUIRE_FALSE(sources.env("SWAGE_SOURCES_TEST_UNSET"));
  sources.set_env("SET", "");
  const std::string bytes = sources.serialize();
  REQUIRE(Sources::deserialize(bytes));
  CHECK(Sources::deserialize(bytes)->serialize() == bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(Sources::deserialize(bytes.substr(0, size)));
  CHECK_FALSE(Sources::deserialize(bytes + '\0'));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 0x80);
    const auto result = Sources::deserialize(broken);  // a changed letter of a text is still a record
    if (result) CHECK_FALSE(result->serialize() == bytes);
  }
  CHECK(Sources::deserialize("").error().text() == "not a record of configuration sources");
}

}  // namespace
}  // namespace swage::config
