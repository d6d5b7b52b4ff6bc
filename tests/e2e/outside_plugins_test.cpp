// Plugins of other repositories, built in (cmake/outside_plugins.cmake). $SWAGE is swage_outside here, with
// docs/examples/nipio before hosts.
#include <cstdlib>
#include <filesystem>

#include "tests/support/server.h"

#include <catch2/catch.hpp>  // last: its CHECK is the one that counts here

namespace {

using namespace swage::tests;

// All that it writes, however it ends.
std::string said_by(std::vector<std::string> arguments) {
  auto process = Process::start({.arguments = std::move(arguments)});
  REQUIRE(process.has_value());
  REQUIRE(process->wait(std::chrono::seconds(60)).has_value());
  return process->log();
}

// What the build makes of these plugins: the chain, or why there is none.
std::string chain(const std::string& plugins) {
  const std::string said = said_by({"cmake", "-DSWAGE_PLUGINS=" + plugins, "-P", "cmake/outside_plugins.cmake"});
  const std::size_t why = said.find("\n  plugin ");
  if (why == std::string::npos) return said;
  std::string text = said.substr(why + 3, said.find("\nCall Stack") - why - 3);
  for (std::size_t at = 0; (at = text.find("\n  ", at)) != std::string::npos;) text.replace(at, 3, " ");
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// A plugin that is as good as any until it is compiled.
void write_plugin(const Folder& folder, const std::string& name, const std::string& yaml = "") {
  std::filesystem::create_directory(folder.file(name));
  static_cast<void>(folder.write(name + "/" + name + ".cpp", "namespace swage::plugins::" + name + " {}\n"));
  if (!yaml.empty()) static_cast<void>(folder.write(name + "/plugin.yaml", yaml));
}

// usr/bin/swage of the folder, as $SWAGE while this lives: plugins are loaded from usr/lib/swage/plugins.
struct Installed {
  explicit Installed(const Folder& folder) : program(folder.file("usr/bin/swage")), before(std::getenv("SWAGE")) {
    std::filesystem::create_directories(folder.file("usr/bin"));
    std::filesystem::create_hard_link(before, program);
    setenv("SWAGE", program.c_str(), 1);
  }
  ~Installed() { setenv("SWAGE", before.c_str(), 1); }
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;

  const std::string program;
  const std::string before;
};

}  // namespace

TEST_CASE("outside plugins: one that is built in answers, and is listed with where it is from") {
  const std::string listed = said_by({std::getenv("SWAGE"), "-plugins"});
  CHECK(listed.find("\nnipio  built in from ") < listed.find("\nhosts\n"));
  CHECK(listed.find("docs/examples/nipio\nhosts\n") != std::string::npos);
  const Server server("example.org {\n bind 127.0.0.1\n whoami\n nipio {\n  ttl 7\n }\n}\n");
  const Decoded answer = server.ask({.name = "www.10-0-0-1.example.org.", .type = "A"});
  REQUIRE(answer.answer.size() == 1);
  CHECK(answer.answer[0] == "www.10-0-0-1.example.org. 7 IN A 10.0.0.1");
}

// docs/examples/NAME: a repository each, which others copy.
TEST_CASE("outside plugins: each example is whole, and its Corefile is good") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("docs/examples")) {
    const std::string name = entry.path().filename();
    if (name == "template") continue;
    ++count;
    for (const std::string& file :
         std::vector<std::string>{"README.md", "CMakeLists.txt", "plugin.yaml", name + ".cpp", name + "_test.cpp"}) {
      CHECK(std::filesystem::exists(entry.path() / file));
    }
    const std::string readme = read_file(entry.path() / "README.md");
    const std::size_t begin = readme.find("~~~ corefile\n") + 13, end = readme.find("\n~~~", begin);
    const Folder folder;
    const std::string corefile = folder.write("Corefile", readme.substr(begin, end - begin));
    const std::string said = said_by({std::getenv("SWAGE"), "-check", "-conf", corefile});
    INFO(name << ": " << said);
    CHECK(said.find("\nOK: ") != std::string::npos);
    CHECK(readme.substr(begin, end - begin).find("\n    " + name) != std::string::npos);
  }
  CHECK(count == 10);
}

TEST_CASE("outside plugins: each stands where it says, or where the builder says") {
  const Folder folder;
  write_plugin(folder, "one", "directive: one\nbefore: \"hosts\"  # a comment\n");
  write_plugin(folder, "two");
  const std::string base = folder.path() + "/";
  CHECK(chain(base + "one").find("PLUGIN(one)\nPLUGIN(hosts)\n") != std::string::npos);
  CHECK(chain(base + "one:before-auto").find("PLUGIN(one)\nPLUGIN(auto_)\n") != std::string::npos);
  CHECK(chain(base + "two").find("PLUGIN(two)\nPLUGIN(file)\n") != std::string::npos);
  CHECK(chain(base + "one;" + base + "two:before-one").find("PLUGIN(two)\nPLUGIN(one)\n") != std::string::npos);
}

TEST_CASE("outside plugins: what is wrong with one is said in a sentence") {
  const Folder folder;
  write_plugin(folder, "one");
  write_plugin(folder, "file");
  write_plugin(folder, "Upper");
  write_plugin(folder, "other", "directive: another\n");
  const std::string base = folder.path() + "/";
  CHECK(chain(base + "none") == "plugin " + base + "none: there is no folder " + base + "none");
  CHECK(chain(base + "one:before-fiel") ==
        "plugin " + base + "one:before-fiel: cannot stand before 'fiel': there is no such directive");
  CHECK(chain(base + "one;" + base + "one") == "plugin " + base + "one: there is a directive 'one' already");
  CHECK(chain(base + "file") == "plugin " + base + "file: there is a directive 'file' already");
  CHECK(chain(base + "Upper") == "plugin " + base + "Upper: 'Upper' is not a directive's name: expected lower-case " +
                                     "letters, digits and '-'");
  CHECK(chain(base + "other") == "plugin " + base + "other: no source in " + base +
                                     "other has 'namespace swage::plugins::another', where its setup() is");
}

TEST_CASE("outside plugins: a new one is built and tested against what is installed") {
  const Folder folder;
  const auto succeeds = [&](std::vector<std::string> arguments, const std::string& where = "") {
    const auto output = swage::tests::run({.arguments = std::move(arguments), .folder = folder.path() + where},
                                          std::chrono::minutes(5));
    INFO((output ? std::string() : output.error().text()));
    CHECK(output.has_value());
    return output.has_value();
  };
  const std::string prefix = folder.file("usr");
  REQUIRE(succeeds({"cmake", "--install", std::getenv("SWAGE_BUILD"), "--component", "dev", "--prefix", prefix}));
  CHECK(said_by({"env", "PKG_CONFIG_PATH=" + prefix + "/share/pkgconfig", "pkg-config", "--cflags-only-I", "swage"})
            .find("/include/swage") != std::string::npos);
  REQUIRE(succeeds({std::getenv("SWAGE"), "new-plugin", "greet-all", "--service", "--observer"}));
  REQUIRE(succeeds({"cmake", "-G", "Ninja", "-B", "build", "-DCMAKE_PREFIX_PATH=" + prefix}, "/greet-all"));
  REQUIRE(succeeds({"cmake", "--build", "build"}, "/greet-all"));
  REQUIRE(succeeds({"ctest", "--test-dir", "build", "--no-tests=error"}, "/greet-all"));
  REQUIRE(succeeds({"cmake", "--install", "build", "--prefix", prefix}, "/greet-all"));

  const Installed installed(folder);
  const std::string plugins = prefix + "/lib/swage/plugins/";
  CHECK(said_by({installed.program, "-plugins"}).find("\ngreet-all  loaded from " + plugins + "greet-all\nfile\n") !=
        std::string::npos);
  const std::string text = folder.write("text", "from a file\n");
  const Server server("example.org {\n bind 127.0.0.1\n greet-all hello {\n  ttl 7\n  file " + text + "\n }\n}\n");
  const Decoded answer = server.ask({.name = "example.org.", .type = "TXT"});
  REQUIRE(answer.answer.size() == 1);
  CHECK(answer.answer[0] == "example.org. 7 IN TXT \"from a file\"");
  CHECK(said_by({std::getenv("SWAGE"), "new-plugin", "nipio"}) ==
        "swage: new-plugin: there is a directive 'nipio' already\n");
}
