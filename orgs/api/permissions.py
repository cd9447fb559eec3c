"""Permissions of API views. Each view names one; a view that names none is refused to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission

from orgs.vocabulary import Scope

if TYPE_CHECKING:  # they import the default permission, which stands here
    from rest_framework.request import Request
    from rest_framework.views import APIView


class Nobody(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class Anybody(BasePermission):
    """The answer is public."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return True


class ScopePermission(BasePermission):
    scope: Scope

    def has_permission(self, request: Request, view: APIView) -> bool:
        self.message = f"The token lacks the scope '{self.scope}'."
        return self.scope in getattr(request.user, "scopes", ())


class CanCheck(ScopePermission):
    scope = Scope.CHECK


class CanMirror(ScopePermission):
    scope = Scope.PROJECTS


class CanFollow(ScopePermission):
    scope = Scope.FEED


class CanReport(ScopePermission):
    scope = Scope.USAGE


class CanIdentify(ScopePermission):
    scope = Scope.IDENTITIES
