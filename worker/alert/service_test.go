package alert

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// host serves a service's answers, and returns the channel that a URL with its address describes. HOST in the URL
// stands for the address.
func host(t *testing.T, template string, handler http.HandlerFunc) Channel {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	channel, err := newService(strings.ReplaceAll(template, "HOST", strings.TrimPrefix(server.URL, "https://")), server.Client().Transport)
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

const signing = "zebra-secret-of-at-least-16-bytes"

// posted are URLs of services that are called over HTTP.
var posted = map[string]string{
	"webhook":   "webhook+https://" + signing + "@HOST/hooks/zebra",
	"teams":     "teams+https://HOST/workflows/zebra?sig=zebra",
	"pagerduty": "pagerduty://HOST/0123456789abcdef0123456789abcdef",
	"ntfy":      "ntfy://user:zebra@HOST/zebra-topic",
}

// TestServices checks for each service what arrives there, that only a 2xx answer counts, that redirects are not
// followed, and that no error contains a secret.
func TestServices(t *testing.T) {
	t.Parallel()
	const text = "crmsync could not process an event.\n• job 12\nReplay with: crmsync replay 12"
	for name, template := range posted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("redirected to %s", r.URL) }))
			t.Cleanup(other.Close)
			var body string
			status := http.StatusAccepted
			channel := host(t, template, func(rw http.ResponseWriter, r *http.Request) {
				read, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				body = string(read)
				rw.Header().Set("Location", other.URL)
				rw.Header().Set("Retry-After", "120")
				rw.WriteHeader(status)
				fmt.Fprint(rw, `{"message":"zebra","error":"zebra"}`)
			})
			if channel.Name() != name {
				t.Errorf("name %q", channel.Name())
			}
			if err := channel.Send(t.Context(), text); err != nil {
				t.Fatalf("error %v after a 202", err)
			}
			for line := range strings.Lines(text) {
				if coded, _ := json.Marshal(strings.TrimSpace(line)); !strings.Contains(body, strings.Trim(string(coded), `"`)) && !strings.Contains(body, strings.TrimSpace(line)) {
					t.Errorf("%q is not in what arrives: %s", line, body)
				}
			}
			for code, want := range map[int]string{
				302: "answered 302: redirects are not followed", 307: "answered 307: redirects", 401: "answered 401 Unauthorized", 404: "answered 404 Not Found",
				429: "asked to wait for 2m0s", 500: "answered 500",
			} {
				status = code
				if err := channel.Send(t.Context(), text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "zebra") || strings.Contains(err.Error(), "0123") {
					t.Errorf("error %v after a %d, want %q", err, code, want)
				}
			}
			status = http.StatusOK
			if err := channel.Send(t.Context(), text); err != nil {
				t.Errorf("error %v after it works again", err)
			}
		})
	}
}

// TestServiceAway: a service cannot be reached.
func TestServiceAway(t *testing.T) {
	t.Parallel()
	urls := map[string]string{"email": "smtp://user:secret@HOST/?from=a@example.org&to=secret@example.org"}
	for name, template := range posted {
		urls[name] = template
	}
	for name, template := range urls {
		channel, err := newService(strings.ReplaceAll(template, "HOST", "127.0.0.1:1"), http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		if err := channel.Send(t.Context(), "text"); err == nil || err.Error() != "no connection" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestWebhookIsSigned checks the signature against the specification of Standard Webhooks.
func TestWebhookIsSigned(t *testing.T) {
	t.Parallel()
	const text = "a text"
	for secret, key := range map[string][]byte{
		signing: []byte(signing),
		"whsec_" + url.PathEscape(base64.StdEncoding.EncodeToString([]byte("0123456789abcdef?>"))): []byte("0123456789abcdef?>"),
	} {
		called := false
		channel := host(t, "webhook+https://"+secret+"@HOST/hooks?a=b", func(_ http.ResponseWriter, r *http.Request) {
			called = true
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			mac := hmac.New(sha256.New, key)
			fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
			if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
				t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
			}
			if at := r.Header.Get("webhook-timestamp"); len(at) != 10 || r.Header.Get("webhook-id") == "" || r.Header.Get("Authorization") != "" {
				t.Errorf("headers %v", r.Header)
			}
			var says struct {
				Type string
				Data struct{ Text string }
			}
			if err := json.Unmarshal(body, &says); err != nil || says.Type != "alert" || says.Data.Text != text || r.URL.RequestURI() != "/hooks?a=b" {
				t.Errorf("%v: %s at %s", err, body, r.URL)
			}
		})
		if err := channel.Send(t.Context(), text); err != nil || !called {
			t.Errorf("error %v, called %v", err, called)
		}
	}
}

// TestMail sends a mail to a server that accepts it, and to one that refuses the recipient.
func TestMail(t *testing.T) {
	t.Parallel()
	for refused, want := range map[bool]string{false: "", true: "the server answered 550"} {
		addr, mails := mailServer(t, refused)
		channel, err := newService("smtp://"+addr+"/?from=crmsync@example.org&to=ops@example.org", http.DefaultTransport)
		if err != nil {
			t.Fatal(err)
		}
		err = channel.Send(t.Context(), "crmsync could not process an event (Größe).\n• job 12")
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		if refused {
			continue
		}
		mail := <-mails
		for _, part := range []string{"Subject: =?utf-8?q?crmsync:_could_not_process_an_event_(Gr=C3=B6=C3=9Fe).?=", "• job 12", "To: ops@example.org"} {
			if !strings.Contains(mail, part) {
				t.Errorf("the mail has no %q:\n%s", part, mail)
			}
		}
	}
}

// mailServer is a mail server for one session. It returns its address, and the mails that it accepts.
func mailServer(t *testing.T, refuses bool) (addr string, mails <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	taken := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		fmt.Fprint(conn, "220 ready\r\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			switch command, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); {
			case command == "RCPT" && refuses:
				fmt.Fprint(conn, "550 secret@example.org is unknown\r\n")
			case command == "DATA":
				fmt.Fprint(conn, "354 go on\r\n")
				var mail strings.Builder
				for line != ".\r\n" {
					if line, err = in.ReadString('\n'); err != nil {
						return
					}
					mail.WriteString(line)
				}
				taken <- mail.String()
				fmt.Fprint(conn, "250 taken\r\n")
			case command == "QUIT":
				fmt.Fprint(conn, "221 bye\r\n")
				return
			default:
				fmt.Fprint(conn, "250 fine\r\n")
			}
		}
	}()
	return listener.Addr().String(), taken
}

// TestServiceHangs: a service that does not answer blocks neither the round nor the process; at most one message to it
// is pending.
func TestServiceHangs(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	channel, err := newService("smtp://"+listener.Addr().String()+"/?from=a@example.org&to=b@example.org", http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	mail := channel.(*service)
	if !mail.begin() {
		t.Fatal("busy from the start")
	}
	if err := channel.Send(t.Context(), "text"); err == nil || err.Error() != "the previous message is still being sent" {
		t.Errorf("error %v", err)
	}
	mail.end()
}

// TestNewServices checks which URLs are refused, that no error repeats a URL, and how several channels of a kind are
// named.
func TestNewServices(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // URL: part of the error
		"://zebra":                                           "not a URL",
		"https://hooks.example/zebra":                        "scheme must be one of",
		"slack://zebra-token/a/b":                            "scheme must be one of",
		"webhook+https://hooks.example/zebra":                "the secret that signs the messages is missing",
		"webhook+https://user:zebra@hooks.example/zebra":     "the secret that signs the messages is missing",
		"webhook+https://zebra@hooks.example/zebra":          "at least 16 bytes",
		"webhook+https://whsec_zebra!@hooks.example/zebra":   "not base64",
		"webhook+http://" + signing + "@hooks.example/zebra": "must begin with https://",
		"teams+http://teams.example/zebra":                   "must begin with https://",
		"ntfy://ntfy.sh/":                                    "not a valid ntfy URL",
		"ntfy://ntfy.example/zebra?scheme=http":              "must begin with https://",
		"pagerduty://":                                       "not a valid pagerduty URL",
		"smtp://mail.example/?from=a@example.org":            "not a valid smtp URL",
		"smtp://u:zebra@mail.example/?from=a@example.org&to=b@example.org&skiptlsverify=yes": "TLS with a valid certificate",
		"smtp://u:zebra@mail.example/?from=a@example.org&to=b@example.org&starttls=no":       "TLS with a valid certificate",
	}
	for text, want := range tests {
		_, err := NewServices([]string{"ntfy://ntfy.sh/topic", text})
		if err == nil || !strings.HasPrefix(err.Error(), "URL 2: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "zebra") ||
			strings.Contains(err.Error(), "mail.") {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	channels, err := NewServices([]string{
		"ntfy://ntfy.sh/a", "smtp://u:p@mail.example:587/?from=a@example.org&to=b@example.org,c@example.org", "ntfy://ntfy.sh/b", "pagerduty:///0123456789abcdef0123456789abcdef",
		"teams+https://teams.example/x", "webhook+https://" + signing + "@hooks.example/x",
	})
	var names []string
	for _, c := range channels {
		names = append(names, c.Name())
	}
	if diff := cmp.Diff([]string{"ntfy", "email", "ntfy-2", "pagerduty", "teams", "webhook"}, names); err != nil || diff != "" {
		t.Errorf("%v; names (-want +got):\n%s", err, diff)
	}
}

func TestPauseOf(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]time.Duration{"": time.Minute, "soon": time.Minute, "30": 30 * time.Second, "0": time.Second, "999999": time.Hour} {
		resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {after}}}
		if got := pauseOf(resp); got != want {
			t.Errorf("Retry-After %q: %s, want %s", after, got, want)
		}
	}
}
