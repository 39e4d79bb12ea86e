# Runs the server for as long as somebody holds the fifo open for writing: the kernel closes it for a holder that dies, however it dies.
# $1 data directory, $2 socket directory, $3 keep|remove, $4 pid of a server to take over or '', then the server's command line.
# Standard input is the fifo; the server's pid goes to standard output.
umask 077
trap '' HUP INT TERM PIPE
dir=$1 sockets=$2 after=$3 server=$4
shift 4
exec 3<&0 4>&1 </dev/null >>"$dir/postgres.log" 2>&1

owner() { # the pid in the server's own pid file
  pid=
  read -r pid 2>/dev/null <"$dir/pg/postmaster.pid"
}

up() { # in its first moments the server has no pid file yet, but then our parent shell is there to tell its pid from a stranger's
  owner
  [ "$pid" = "$server" ] || { [ "$mine" ] && [ "$turns" -lt 250 ] && kill -0 $$; }
}

over() { # tells the listener, who may be somebody else's by now
  [ -p "$dir/holders" ] && echo "end $server" 1<>"$dir/holders"
}

listen() { # until the last holder is gone (0), or until there's nothing left to watch (1)
  exec 4>&-
  result=0 ended=
  while read -r word value <&3; do
    case $word in
      hello) echo "$value" >"$dir/attached" ;; # proves that this holder came before we read the end of the fifo
      stop) result=1; break ;;
      end) [ "$value" != "$server" ] || { [ "$after" = remove ] || exit 1; ended=yes; } ;;
    esac
  done
  # Repeated, for a shell starts its background children deaf to INT, and the server hears it only once it's up.
  turns=0 signal=INT
  while [ -z "$ended" ] && [ "$turns" -lt 3000 ] && up && kill -"$signal" "$server"; do
    turns=$((turns + 1))
    [ "$turns" -lt 1500 ] || signal=QUIT
    sleep 0.02 || sleep 1
  done 2>/dev/null
  exit "$result"
}

mine=
if [ -z "$server" ]; then
  "$@" 3<&- 4>&- &
  server=$! mine=yes
fi
listen &
listener=$!
echo "$server" >&4
exec 3<&- 4>&-
if [ "$mine" ]; then
  wait "$server"
  over
else
  # Not our child: all we can do is look. It ends by itself, a moment after the server.
  { while owner && [ "$pid" = "$server" ] && kill -0 "$server"; do sleep 1; done 2>/dev/null; over; } &
fi
if wait "$listener" && [ "$after" = remove ]; then
  cd /
  rm -rf "$dir/pg" "$dir"/pg.init* "$dir"/postgres.log* "$dir/run" "$dir/attached" "$dir/holders" "$dir/users.lock" "$dir/start.lock"
  rm -f "$sockets"/.s.*
  rmdir "$sockets" "$dir"
fi 2>/dev/null
