// LineReader: the lines that a person or a program gives on standard input, one at a time.
#pragma once

#include <string>

namespace shoal {

class LineReader {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // Without the newline. The next one comes after next() was called again.
    virtual void on_line(const std::string& line) = 0;
    // No more lines will come.
    virtual void on_end() = 0;
  };

  virtual ~LineReader() = default;
  // Asks for the next line. The listener may be called from inside.
  virtual void next() = 0;
};

}  // namespace shoal
