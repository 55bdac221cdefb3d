package alert

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const token = "123:secret-token"

// TestTelegram checks how the channel handles Telegram's answers, and that no error contains the token.
func TestTelegram(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int // 0: 200
		answer string
		cut    bool
		want   string // part of the error; empty: none
		again  bool   // the next message goes to Telegram
	}{
		"taken":               {answer: `{"ok":true,"result":{"message_id":1}}`, again: true},
		"accepted, in short":  {answer: `{"ok":true}`, again: true},
		"accepted, in pieces": {answer: `{"ok":true,"result":true}`, again: true},
		"throttled":           {status: 429, answer: `{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":30}}`, want: "asked to wait for"},
		"blocked":             {status: 403, answer: `{"ok":false,"error_code":403,"description":"bot was blocked"}`, want: "blocked", again: true},
		"a page":              {answer: `<html>secret-token</html>`, want: "answered 200 without", again: true},
		"a page that is away": {status: 502, answer: `<html>`, want: "answered 502 Bad Gateway", again: true},
		"somebody's JSON":     {answer: `{"result":"ok"}`, want: "answered 200 without", again: true},
		"ok, but not 200":     {status: 500, answer: `{"ok":true,"result":{}}`, want: "answered 500", again: true},
		"cut":                 {cut: true, want: "EOF", again: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if !strings.HasSuffix(r.URL.Path, "/bot"+token+"/sendMessage") {
					t.Errorf("path %s", r.URL.Path)
				}
				if tt.cut {
					panic(http.ErrAbortHandler)
				}
				if tt.status != 0 {
					rw.WriteHeader(tt.status)
				}
				fmt.Fprint(rw, tt.answer)
			}))
			t.Cleanup(server.Close)
			telegram, err := NewTelegram(server.URL, token, "42", quiet)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err = telegram.Send(t.Context(), "text")
				if (err == nil) != (tt.want == "") || err != nil && calls.Load() == 1 && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the error contains the token: %v", err)
				}
			}
			if made := calls.Load(); (made == 2) != tt.again {
				t.Errorf("%d calls", made)
			}
		})
	}
}

// TestTelegramFollowsGroup: a group that has become a supergroup has a new id, which Telegram's answer contains.
func TestTelegramFollowsGroup(t *testing.T) {
	t.Parallel()
	var chats []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		chat := r.FormValue("chat_id")
		chats = append(chats, chat)
		if chat != "-1001234567890" {
			rw.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(rw, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890}}`)
			return
		}
		fmt.Fprint(rw, `{"ok":true,"result":{"message_id":1}}`)
	}))
	t.Cleanup(server.Close)
	telegram, err := NewTelegram(server.URL, token, "-42", quiet)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := telegram.Send(t.Context(), "text"); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(chats, " "); got != "-42 -1001234567890 -1001234567890" {
		t.Errorf("chats %s", got)
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		answer string
		want   string // the error; empty: none
	}{
		"taken":       {200, "ok", ""},
		"with a line": {200, "ok\n", ""},
		"compatible":  {200, `{"ok":true}`, ""},
		"silent":      {204, "", ""},
		"a page":      {200, "<html>", "answered 200 without confirming the message"},
		"refused":     {403, "invalid_token", "answered 403 Forbidden"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(tt.status)
				fmt.Fprint(rw, tt.answer)
			}))
			t.Cleanup(server.Close)
			slack, err := NewSlack(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			if err := slack.Send(t.Context(), "text"); (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestNoRedirect: both addresses contain a secret, which is sent to no other host; the answer of another host does not
// count.
func TestNoRedirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for %s, referred by %q", r.URL, r.Referer())
		fmt.Fprint(rw, "ok")
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(other.URL, status))
		t.Cleanup(server.Close)
		telegram, err := NewTelegram(server.URL, token, "42", quiet)
		if err != nil {
			t.Fatal(err)
		}
		slack, err := NewSlack(server.URL + "/services/secret")
		if err != nil {
			t.Fatal(err)
		}
		for _, channel := range []Channel{telegram, slack} {
			if err := channel.Send(t.Context(), "text"); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("answered %d: redirects", status)) {
				t.Errorf("%s: error %v after a %d", channel.Name(), err, status)
			}
		}
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const gone = "http://127.0.0.1:1"
	telegram, err := NewTelegram(gone, token, "42", quiet)
	if err != nil {
		t.Fatal(err)
	}
	slack, err := NewSlack(gone + "/services/secret")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, channel := range []Channel{telegram, slack} {
		if err := channel.Send(ctx, "text"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", channel.Name(), err)
		}
	}
	for _, url := range []string{"://secret", "https://secret\x7f/", "http://hooks.example/secret", "ftp://secret"} {
		_, err := NewSlack(url)
		if err == nil || strings.Contains(err.Error(), "secret.") || strings.Contains(err.Error(), url) {
			t.Errorf("%q: error %v", url, err)
		}
		if _, err := NewTelegram(url, token, "42", quiet); err == nil || strings.Contains(err.Error(), url) {
			t.Errorf("%q: error %v", url, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://hooks.slack.com/services/x": true, "http://127.0.0.1:8080/x": true, "http://[::1]/": true, "http://localhost": true,
		"http://hooks.slack.com/x": false, "http://127.0.0.1.example/": false, "http://10.0.0.1/": false, "https://": false, "x": false, "": false,
	} {
		if err := CheckURL(url); (err == nil) != want {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// TestLogLevel checks that without a channel only alerts that require action are logged as errors.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	for level, calm := range map[string]bool{"INFO": true, "ERROR": false} {
		var log bytes.Buffer
		c := logChannel{slog.New(slog.NewTextHandler(&log, nil))}
		if err := deliver(t.Context(), c, message{text: "Salesforce", calm: calm}); err != nil {
			t.Error(err)
		}
		if want := "level=" + level + " msg=alert text=Salesforce"; !strings.Contains(log.String(), want) {
			t.Errorf("logged %s, want %s", &log, want)
		}
	}
}
