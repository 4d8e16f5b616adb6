// UvHandle: owns a libuv handle, which libuv wants closed first and freed only later, from its loop.
#pragma once

#include <uv.h>

#include <memory>

namespace shoal {

template <class T>
struct UvClose {
  void operator()(T* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};

// Holds initialised handles only.
template <class T>
using UvHandle = std::unique_ptr<T, UvClose<T>>;

}  // namespace shoal
