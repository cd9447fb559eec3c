"""People: sign-in by e-mail address, and the name the index knows them by."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """In lower case, as allauth keeps and looks up addresses. No mail server of our time tells them apart."""
        return (email or "").lower()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def with_email(self, email: str) -> models.QuerySet[User]:
        """Whoever signs in with the address, without case: at most one.

        By LOWER, as the constraint has it. PostgreSQL's UPPER, behind ``iexact``, makes one of two addresses that the
        constraint keeps apart: "ſ" becomes "S".
        """
        return self.alias(folded=Lower("email")).filter(folded=Lower(models.Value(email)))

    def get_by_natural_key(self, username: str | None) -> User:
        return self.with_email(username or "").get()


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account here.

    ``index_username`` is lower case and is only ever set by a path that the index vouches for; it decides who may
    publish, so it is unique in the database, whatever else fails. ``second_factor`` is true exactly while the user has
    a passkey or an authenticator app; a trigger keeps it so.
    """

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    index_username = models.CharField(  # noqa: DJ001 -- null: several users may have none, and it is unique
        _("index user name"), max_length=100, null=True, blank=True, db_collation="C"
    )
    second_factor = models.BooleanField(_("has two-step verification"), default=False, db_default=False, editable=False)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.UniqueConstraint(fields=["index_username"], name="user_index_username_unique"),
            models.CheckConstraint(
                name="user_index_username_shape",
                condition=models.Q(index_username__isnull=True)
                | models.Q(index_username__regex=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Never writes ``second_factor`` over a row: the database keeps that, and this copy may be older."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            fields = {field.name for field in self._meta.concrete_fields if not field.primary_key}
            kwargs["update_fields"] = fields - {"second_factor"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)


class IndexCode(models.Model):
    """A one-time code by which a user proves to be a user of the index: at most one a user, known by its hash."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="index_code")
    digest = models.BinaryField(_("digest"), max_length=32, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("index code")
        verbose_name_plural = _("index codes")

    def __str__(self) -> str:
        return f"for {self.user_id} until {self.expires_at}"


class MailQuerySet(models.QuerySet["Mail"]):
    def waiting(self) -> MailQuerySet:
        """To be sent: neither sent nor given up."""
        return self.filter(sent_at__isnull=True, failed_at__isnull=True)

    def due(self) -> MailQuerySet:
        return self.waiting().filter(due_at__lte=timezone.now())


class Mail(models.Model):
    """The outbox: one mail to one person. The row commits with what the mail is about, and is sent after that.

    ``key`` keeps a mail from being queued twice; it outlives the text, which is forgotten some time after the sending.
    """

    key = models.CharField(_("key"), max_length=200, null=True, blank=True, unique=True)
    to = models.EmailField(_("to"))
    sender = models.CharField(_("from"), max_length=400)
    subject = models.CharField(_("subject"), max_length=500)
    text = models.TextField(_("text"))
    html = models.TextField(_("HTML"), blank=True)
    headers = models.JSONField(_("headers"), default=dict)
    created_at = models.DateTimeField(_("queued"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up"), null=True, blank=True)
    error = models.CharField(_("last error"), max_length=500, blank=True)

    objects: ClassVar[models.Manager[Mail]] = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        indexes = [
            models.Index(fields=["due_at"], name="mail_due", condition=Q(sent_at__isnull=True, failed_at__isnull=True)),
            models.Index(fields=["created_at"], name="mail_by_age"),
        ]
        constraints = [
            models.CheckConstraint(
                name="mail_sent_or_given_up", condition=Q(sent_at__isnull=True) | Q(failed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class MailPreference(models.Model):
    """What a person chose about mails of one topic; without a row, what the topic has as its usual."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mail_preferences")
    topic = models.CharField(_("topic"), max_length=40)
    wanted = models.BooleanField(_("wanted"))

    class Meta:
        verbose_name = _("mail preference")
        verbose_name_plural = _("mail preferences")
        constraints = [models.UniqueConstraint(fields=["user", "topic"], name="mail_preference_unique")]

    def __str__(self) -> str:
        return f"{self.topic} of {self.user_id}"
