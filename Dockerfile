# docker build -t trigger-mockserver .
# docker run --rm -p 127.0.0.1:4747:4747 trigger-mockserver --profile published
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv --without-pip /opt/mockserver \
    && python -m pip --python /opt/mockserver install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/mockserver /opt/mockserver
ENV PATH=/opt/mockserver/bin:$PATH
# A mockserver.yaml that is mounted into this folder is read.
WORKDIR /config
USER 10001:10001
EXPOSE 4747
STOPSIGNAL SIGTERM
# Without proxies: an engine may hand its own to every container. With TLS first, since --tls-cert may be given.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import ssl; from urllib.request import HTTPSHandler, ProxyHandler, build_opener\ntls = HTTPSHandler(context=ssl._create_unverified_context())\nask = build_opener(ProxyHandler({}), tls).open\ntry: ask('https://127.0.0.1:4747/__admin/health', timeout=1)\nexcept OSError: ask('http://127.0.0.1:4747/__admin/health', timeout=1)"]
ENTRYPOINT ["mockserver", "serve", "--host", "0.0.0.0"]
