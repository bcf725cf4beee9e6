from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user, login_required

from . import db
from .models import Order, Product

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home():
    return render_template("home.html", products=db.session.query(Product).order_by(Product.name).all())


@blueprint.get("/product/<int:id>")
def product(id):
    return render_template("product.html", product=Product.query.get_or_404(id))


@blueprint.post("/product/<int:id>/buy")
@login_required
def buy(id):
    db.session.add(Order(customer=current_user._get_current_object(), product=Product.query.get_or_404(id)))
    db.session.commit()
    return redirect(url_for("pages.orders"))


@blueprint.get("/orders")
@login_required
def orders():
    return render_template("orders.html", orders=current_user.orders)


@blueprint.app_errorhandler(404)
def missing(error):
    return render_template("missing.html"), 404
