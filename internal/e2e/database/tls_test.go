package database_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// TestTLS: everything works over TLS, with the certificate checked as sslmode says, and problems with TLS lead to clear
// errors.
func TestTLS(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	certificate, authority := issue(t)
	plain := w.Env["DATABASE_URL"]
	through := tlsRelay(t, plain, certificate)
	root := w.File("ca.pem", authority)
	w.Env["DATABASE_URL"] = through + "?sslmode=verify-full&sslrootcert=" + url.QueryEscape(root)
	w.Start("serve")
	w.Subscribe()
	items := w.Items(e2e.Accounts, 5, "Account ")
	w.Quiet()
	synced(w, items)

	_, other := issue(t)
	refused := map[string]string{
		"?sslmode=verify-full&sslrootcert=" + url.QueryEscape(w.File("other.pem", other)): "certificate",
		"?sslmode=disable": "postgres is away",
		"?sslmode=verify-full&sslrootcert=" + url.QueryEscape("/nowhere/ca.pem"): "DATABASE_URL: ",
	}
	for options, want := range refused {
		w.Env["DATABASE_URL"] = through + options
		if code, _, stderr := w.Command("schema", "up"); code == cli.ExitDone || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %q, want %q", options, code, stderr, want)
		}
	}
}

// tlsRelay accepts only encrypted connections, and passes their content to the server, like the front of a hosted
// Postgres. It returns the URL that leads through it.
func tlsRelay(t *testing.T, database string, certificate tls.Certificate) string {
	t.Helper()
	server, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	network, address := pgconn.NetworkAddress(server.Host, server.Port)
	go func() {
		for {
			client, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go relay(client, config, network, address)
			}
		}
	}()
	u := url.URL{Scheme: "postgres", User: url.User(server.User), Host: listener.Addr().String(), Path: "/" + server.Database}
	return u.String()
}

// relay serves one connection.
func relay(client net.Conn, config *tls.Config, network, address string) {
	defer client.Close()
	asked := make([]byte, 8)
	if _, err := io.ReadFull(client, asked); err != nil || string(asked) != "\x00\x00\x00\x08\x04\xd2\x16\x2f" { // SSLRequest
		return
	}
	if _, err := client.Write([]byte("S")); err != nil {
		return
	}
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close()
	secure := tls.Server(client, config)
	go func() {
		_, _ = io.Copy(server, secure)
		server.Close()
	}()
	_, _ = io.Copy(secure, server)
}

// issue creates a certificate for 127.0.0.1 and the authority that signed it, in PEM.
func issue(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
