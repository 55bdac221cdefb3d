package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-telegram/bot"
)

// sending is how long one message may take.
const sending = 15 * time.Second

// Telegram sends messages to a chat as a bot.
//
// https://core.telegram.org/bots/api#sendmessage
type Telegram struct {
	bot  *bot.Bot
	chat string

	mu     sync.Mutex
	notYet time.Time // Telegram asked for no message before
}

// NewTelegram returns a messenger for the chat. server is the address of Telegram's API.
func NewTelegram(server, token, chat string) (*Telegram, error) {
	b, err := bot.New(token, bot.WithServerURL(server), bot.WithSkipGetMe(), bot.WithHTTPClient(sending, &http.Client{Timeout: sending}))
	if err != nil {
		return nil, fmt.Errorf("preparing Telegram: %w", withoutURL(err))
	}
	return &Telegram{bot: b, chat: chat}, nil
}

// Name is how logs call it.
func (t *Telegram) Name() string { return "telegram" }

// Send sends a text of up to 4,096 characters. After a 429 it refuses until Telegram's retry_after is over.
func (t *Telegram) Send(ctx context.Context, text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := time.Until(t.notYet); wait > 0 {
		return fmt.Errorf("asked to wait for another %s", wait.Round(time.Second))
	}
	_, err := t.bot.SendMessage(ctx, &bot.SendMessageParams{ChatID: t.chat, Text: text})
	var throttled *bot.TooManyRequestsError
	if errors.As(err, &throttled) {
		t.notYet = time.Now().Add(time.Duration(throttled.RetryAfter) * time.Second)
		return fmt.Errorf("asked to wait for %d s", throttled.RetryAfter)
	}
	return withoutURL(err)
}

// Slack posts messages to an incoming webhook.
//
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
type Slack struct {
	url    string
	client *http.Client
}

// NewSlack returns a messenger for the webhook's URL, which is a secret.
func NewSlack(url string) *Slack {
	return &Slack{url: url, client: &http.Client{Timeout: sending}}
}

// Name is how logs call it.
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
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return fmt.Errorf("reading the answer: %w", withoutURL(err))
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// logMessenger tells the log, where nobody else is to be told.
type logMessenger struct{ log *slog.Logger }

func (logMessenger) Name() string { return "log" }

func (m logMessenger) Send(_ context.Context, text string) error {
	m.log.Error("alert", "text", text)
	return nil
}

// withoutURL leaves the URL out of a transport's error: it holds the secret.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
