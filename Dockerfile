# tabletd as process 1 beside the mysqld it manages, both as the unprivileged user `mysql`.
#
#   docker build -t tabletd .                                  # MySQL 8.4
#   docker build -t tabletd --build-arg SERVER=mariadb:11.8 .  # any image with a server: mysql:…, percona/percona-server:…, mariadb:…
#   docker run -v data:/var/lib/mysql -v tablet:/var/lib/tabletd -v topo:/topo -v backups:/backups -v ./secrets:/secrets:ro \
#     -p 15100:15100 -p 3306:3306 tabletd --tablet-path=zone1-101 --init-keyspace=commerce --init-shard=0 …
#
# As process 1 tabletd stops mysqld cleanly before it exits: give `docker stop` and pods the time that takes
# (--stop-timeout, terminationGracePeriodSeconds), or the server recovers from a crash at its next start.
ARG SERVER=mysql:8.4
# every image of Node 24 would do: nothing of it but the compiled package and its dependencies is kept
ARG NODE=node:24-slim

FROM ${NODE} AS package
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
# packed and installed like anyone's: the image holds the published files and no source
RUN npm pack --silent \
 && mkdir -p /package && cp package-lock.json /package/ \
 && tar -xzf tabletd-*.tgz -C /package --strip-components=1 \
 && cd /package && npm ci --omit=dev --ignore-scripts

FROM ${SERVER}
ENTRYPOINT []
USER root
COPY --from=package /package /opt/tabletd
COPY config/mysql.cnf /etc/tabletd/mysql.cnf
COPY config/mariadb.cnf /etc/tabletd/mariadb.cnf
# flock(1) and nothing else is needed of the base image. The server's own entry point and its volume's content are not used.
RUN command -v flock \
 && for program in tabletd tabletctl; do ln -s /opt/tabletd/bin/$program /usr/local/bin/$program; done \
 && if command -v mariadbd; then ln -s mariadb.cnf /etc/tabletd/my.cnf; else ln -s mysql.cnf /etc/tabletd/my.cnf; fi \
 && mkdir -p /var/lib/tabletd /var/lib/mysql /var/run/mysqld /backups /topo \
 && rm -rf /var/lib/mysql/* \
 && chown mysql:mysql /var/lib/tabletd /var/lib/mysql /var/run/mysqld /backups /topo \
 && chmod 0750 /var/lib/tabletd /var/lib/mysql /backups
USER mysql
ENV TABLETD_MY_CNF=/etc/tabletd/my.cnf \
    TABLETD_TABLET_DIR=/var/lib/tabletd \
    TABLETD_TOPO_ROOT=/topo \
    TABLETD_BACKUP_STORAGE_IMPLEMENTATION=file \
    TABLETD_FILE_BACKUP_STORAGE_ROOT=/backups
VOLUME ["/var/lib/mysql", "/var/lib/tabletd", "/topo", "/backups"]
EXPOSE 15100 3306
STOPSIGNAL SIGTERM
# over the admin socket, so that neither port nor TLS matters; only whether the daemon lives: a tablet out of service is no reason to restart it
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["/bin/sh", "-c", "exec /opt/tabletd/node_modules/.bin/node -e \"require('http').get({socketPath:process.env.TABLETD_TABLET_DIR+'/admin.sock',path:'/livez'},a=>process.exit(a.statusCode===200?0:1)).on('error',()=>process.exit(1))\""]
ENTRYPOINT ["/usr/local/bin/tabletd"]
