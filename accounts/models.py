"""People: sign-in by e-mail address, and the name the index knows them by."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
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
    publish, so it is unique in the database, whatever else fails.
    """

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    index_username = models.CharField(  # noqa: DJ001 -- null: several users may have none, and it is unique
        _("index user name"), max_length=100, null=True, blank=True, db_collation="C"
    )
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

    def clean(self) -> None:
        super().clean()
        self.email = type(self).objects.normalize_email(self.email)
