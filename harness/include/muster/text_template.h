// Fills in texts, such as configuration files, and edits them. Nothing here knows a node: write the
// result by File::write, or edit a file by File::edit.
//
//   std::string text = renderTemplate("listen={{address}}\npeers={{peers}}\n",
//                                     {{"address", node.address()}, {"peers", "a,b"}});
//   node.file("/etc/kvd.conf").write(text, {.undo = UndoAt::kTestEnd});
//   node.file("/etc/kvd.conf").edit(replacing("peers=3", "peers=5"), {.undo = UndoAt::kTestEnd});
//
// It is no language: there are no loops and no conditions. Make such a part in C++ and give it as a
// variable.
//
// Things to get right:
//   * A variable that is not defined, and a replacement that finds nothing, are errors, before
//     anything is written.
//   * A value is put in as it is, and not looked at for further variables.
#pragma once

#include <functional>
#include <map>
#include <source_location>
#include <string>

namespace muster {

// Names have the form [A-Za-z_][A-Za-z0-9_.-]*.
using TemplateVariables = std::map<std::string, std::string>;

// Returns `text` with each "{{name}}" or "{{ name }}" replaced by the variable's value. {{'x'}}
// stands for x as it is, such as {{'{{'}} for two braces. NodeError kInvalid, with the line, for a
// name that is not defined, one that is none, and braces that are not closed.
std::string renderTemplate(const std::string& text, const TemplateVariables& variables,
                           std::source_location where = std::source_location::current());

// Return a change for File::edit that replaces every `old` in a content, or whole lines: each line
// that begins with `beginning`. NodeError kNotFound, thrown by the change, if there is none.
std::function<std::string(const std::string&)> replacing(
    const std::string& old, const std::string& replacement,
    std::source_location where = std::source_location::current());
std::function<std::string(const std::string&)> replacingLines(
    const std::string& beginning, const std::string& line,
    std::source_location where = std::source_location::current());

}  // namespace muster
