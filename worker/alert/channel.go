package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// sending limits how long one message may take.
	sending = 15 * time.Second

	// maxAnswer is the maximum number of bytes read from an answer.
	maxAnswer = 64 << 10
)

// Slack posts messages to an incoming webhook.
//
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
type Slack struct {
	url    string
	client *http.Client
}

// NewSlack returns a channel for the webhook's URL, which is a secret.
func NewSlack(url string) (*Slack, error) {
	if err := CheckURL(url); err != nil {
		return nil, fmt.Errorf("slack webhook URL: %w", err)
	}
	return &Slack{url: url, client: &http.Client{Timeout: sending, CheckRedirect: refuseRedirect}}, nil
}

// Name returns the channel's name in logs, metrics and the status.
func (s *Slack) Name() string { return "slack" }

// Send posts a text.
func (s *Slack) Send(ctx context.Context, text string) error {
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("preparing the message: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", withoutURL(err))
	}
	if resp.StatusCode/100 != 2 || strings.HasPrefix(strings.TrimSpace(string(answer)), "<") { // HTML comes from a proxy
		return &answerError{resp.StatusCode}
	}
	return nil
}

// logChannel writes alerts to the log if no other channel is configured.
type logChannel struct{ log *slog.Logger }

const logName = "log"

func (logChannel) Name() string { return logName }

func (c logChannel) Send(_ context.Context, text string) error {
	c.log.Error("alert", "text", text)
	return nil
}

// sendCalm logs a message that requires no action, at level info.
func (c logChannel) sendCalm(text string) { c.log.Info("alert", "text", text) }

// answerError is an answer that does not confirm the message. Its content may come from anyone and is not repeated.
type answerError struct{ status int }

func (e *answerError) Error() string {
	switch {
	case e.status >= 300 && e.status < 400:
		return fmt.Sprintf("answered %d: redirects are not followed, since the address is a secret", e.status)
	case e.status == http.StatusOK:
		return "answered 200 without confirming the message"
	}
	return fmt.Sprintf("answered %d %s", e.status, http.StatusText(e.status))
}

// refuseRedirect prevents redirects: another host would receive the secret URL as the referrer.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// CheckURL returns an error for a URL that must not receive a secret: plain http is allowed only for this machine.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("not an https URL")
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); u.Scheme == "http" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("must begin with https://, because it receives secrets; http:// is allowed only for this " +
			"machine")
	}
	return nil
}

// withoutURL removes the URL from a transport's error, because it contains the secret.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
