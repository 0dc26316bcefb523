{
  # The addon, for the binding.gyp above and the one beside it. CMakeLists.txt builds it for development.
  'targets': [{
    'target_name': 'reflink_merge',

    # Every .cc under native/, so that none can be forgotten; the conditions take out other systems'.
    'sources': [
      '<!@(node -p "fs.readdirSync(\'<(native)\', { recursive: true }).filter(f => f.endsWith(\'.cc\')).map(f => \'<(native)/\' + f.replaceAll(path.sep, \'/\')).sort().join(\' \')")',
    ],
    'include_dirs': ['<(native)', '<!(node -p "require(\'node-addon-api\').include_dir")'],
    'defines': [
      'NAPI_VERSION=8',
      'NAPI_DISABLE_CPP_EXCEPTIONS',
      # A worker thread may end while a call runs: then there is nobody to throw to.
      'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
    ],

    # -O3 comes from node's common.gypi, and so does a C++ standard, which differs between versions
    # of Node: the last one named counts.
    'cflags!': ['-O3'],
    'cflags': ['-O2', '-Wall', '-Wextra', '-fvisibility=hidden'],
    'cflags_cc': ['-std=c++17', '-fno-exceptions'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_OPTIMIZATION_LEVEL': '2',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',  # -fvisibility=hidden
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'WARNING_CFLAGS': ['-Wall', '-Wextra'],
    },
    'msvs_settings': {
      'VCCLCompilerTool': { 'AdditionalOptions': ['/std:c++17'] },
    },

    'conditions': [
      ['OS!="linux"', { 'sources!': ['<(native)/linux.cc'] }],
      ['OS!="mac"', { 'sources!': ['<(native)/macos.cc'] }],
      ['OS=="linux" or OS=="mac" or OS=="win"', { 'sources!': ['<(native)/none.cc'] }],
      ['OS!="linux" and OS!="mac"', { 'sources/': [['exclude', '(^|/)posix/']] }],
      ['OS!="win"', { 'sources/': [['exclude', '(^|/)win32/']] }],
    ],
  }],
}
