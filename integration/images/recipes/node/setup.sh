groupadd --gid 1000 node
useradd --uid 1000 --gid node --shell /bin/bash --create-home node
mkdir -p /usr/src/app/node_modules/greet
install -m 0644 server.js /usr/src/app/server.js
echo 'module.exports = "hello";' >/usr/src/app/node_modules/greet/index.js
install -m 0755 entrypoint /usr/local/bin/docker-entrypoint.sh
