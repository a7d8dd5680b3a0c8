# Read by the scripts beside this folder: the Node that can run the installing part.
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)
if [ "${major:-0}" -lt 18 ]; then
  echo "needs Node 18 or later and npm on PATH (found: ${major:-none}); on Debian or Ubuntu: apt-get install --no-install-recommends nodejs npm" >&2
  exit 69
fi
