{
  # Here for the repository (npm run build:native, prebuildify). It is not in the tarball: package managers take a binding.gyp
  # at a package's top for a build script.
  'variables': { 'native': 'native' },
  'includes': ['native/addon.gypi'],
}
