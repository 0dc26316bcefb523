{
  # For those who compile the published package themselves: node-gyp rebuild --directory native (docs/packaging.md).
  'variables': { 'native': '.' },
  'includes': ['addon.gypi'],
}
